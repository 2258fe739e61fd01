import type { AttachmentNote, Message } from '../contract/events/event-types.ts'
import type { MessageWrite } from './store.ts'

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

type Restored<Row> = Omit<Row, 'attachments'> & Pick<MessageWrite, 'attachments'>

/** Takes the row over: a copy of each would take longer than reading them (`npm run bench:history`). */
export function restored<Row extends { attachments: string | null }>(row: Row): Restored<Row> {
  const { attachments } = row
  const told = row as unknown as Restored<Row>
  if (attachments === null) delete told.attachments
  else told.attachments = JSON.parse(attachments) as AttachmentNote[]
  return told
}
