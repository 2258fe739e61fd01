import type { AttachmentSummary, Message } from '../contract/events/event-types.ts'
import type { MessageWrite } from './store.ts'

/** What the history tells of the attachments of a message; nothing when there are none. */
export const summarizeAttachments = (
  attachments: Message['attachments'],
): { attachments?: AttachmentSummary[] } =>
  attachments.length === 0
    ? {}
    : { attachments: attachments.map(({ name, mediaType, bytes }) => ({ name, mediaType, bytes })) }

/** As a table has it: JSON, or null for none. */
export type WithAttachmentsJson<Row extends MessageWrite> = Omit<Row, 'attachments'> & {
  attachments: string | null
}

export const attachmentsToJson = ({ attachments }: MessageWrite): string | null =>
  attachments ? JSON.stringify(attachments) : null

type WithParsedAttachments<Row> = Omit<Row, 'attachments'> & Pick<MessageWrite, 'attachments'>

/** Takes the row over: a copy of each would take longer than reading them (`npm run bench:history`). */
export function parseAttachments<Row extends { attachments: string | null }>(
  row: Row,
): WithParsedAttachments<Row> {
  const { attachments } = row
  const parsed = row as unknown as WithParsedAttachments<Row>
  if (attachments === null) delete parsed.attachments
  else parsed.attachments = JSON.parse(attachments) as AttachmentSummary[]
  return parsed
}
