import type { AttachmentSummary, Message } from '../contract/events/event-types.ts'

/** The attachments of a message as its history row has them; empty without attachments. */
export const summarizeAttachments = (
  attachments: Message['attachments'],
): { attachments?: AttachmentSummary[] } =>
  attachments.length === 0
    ? {}
    : { attachments: attachments.map(({ name, mediaType, bytes }) => ({ name, mediaType, bytes })) }
