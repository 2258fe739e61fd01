import type { AttachmentNote, Message } from '../events/types.ts'
import type { MessageWrite } from './conversations.ts'

/** What the history tells of the attachments of a message; nothing when there are none. */
export const notesOf = (attachments: Message['attachments']): { attachments?: AttachmentNote[] } =>
  attachments.length === 0
    ? {}
    : { attachments: attachments.map(({ name, mediaType, bytes }) => ({ name, mediaType, bytes })) }

/** As a table has it: JSON, or null for none. */
export type Stored<Row extends MessageWrite> = Omit<Row, 'attachments'> & {
  attachments: string | null
}

export const stored = ({ attachments }: MessageWrite): string | null =>
  attachments ? JSON.stringify(attachments) : null

export const restored = <Row extends { attachments: string | null }>({
  attachments,
  ...row
}: Row): Omit<Row, 'attachments'> & Pick<MessageWrite, 'attachments'> =>
  attachments === null ? row : { ...row, attachments: JSON.parse(attachments) as AttachmentNote[] }
