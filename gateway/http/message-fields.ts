import type { FastifyRequest } from 'fastify'
import * as z from 'zod'
import { isTimeZone } from '../../shared/config/files.ts'
import { attachmentUpload } from '../ingress/attachments.ts'
import { parseInput } from './error-responses.ts'

/** The fields of a message that arrives by HTTP or WebSocket. */

export const conversationId = z
  .string()
  .regex(/^[A-Za-z0-9._:-]{1,128}$/, '1 to 128 letters, digits, dots, dashes, colons or underscores')

export const idempotencyKey = z.string().regex(/^[\x21-\x7e]{1,255}$/, '1 to 255 visible ASCII characters')

export const timeZone = z.string().max(64).refine(isTimeZone, 'an IANA time zone, as in Europe/Berlin')

/** In UTF-16 units; a longer text is better attached as a file. */
const MAX_TEXT_UNITS = 1024 * 1024

export const messageFields = z.strictObject({
  conversation: conversationId.optional(),
  /** Begins a conversation of this group; the person must be a member. */
  group: z.string().max(64).optional(),
  text: z.string().max(MAX_TEXT_UNITS),
  attachments: z.array(attachmentUpload).max(10).optional(),
})

export const requireContent = <T extends typeof messageFields>(schema: T) =>
  schema.refine(({ text, attachments = [] }) => text.trim() !== '' || attachments.length > 0, {
    path: ['text'],
    message: 'a message has words or attachments',
  })

const messageHeaders = z.object({
  'idempotency-key': idempotencyKey.optional(),
  'x-lares-time-zone': timeZone.optional(),
})

/** The prefix of conversations that are used once: each call of the OpenAI API without a conversation creates one. */
export const EPHEMERAL_PREFIX = 'chat.'

export const readMessageHeaders = ({ headers }: FastifyRequest) => {
  const { 'idempotency-key': key, 'x-lares-time-zone': zone } = parseInput(messageHeaders, headers)
  return { key, timeZone: zone }
}
