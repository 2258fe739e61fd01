import type { AttachmentSummary, Message } from '../contract/events/event-types.ts'

/** What the history tells of the attachments of a message; nothing when there are none. */
export const summarizeAttachments = (
  attachments: Message['attachments'],
): { attachments?: AttachmentSummary[] } =>
  attachments.length === 0
    ? {}
    : { attachments: attachments.map(({ name, mediaType, bytes }) => ({ name, mediaType, bytes })) }
