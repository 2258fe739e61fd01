import type { MessageWrite } from './store.ts'

/** A message of a person. */
export const userMessage = (id: string, more: Partial<MessageWrite> = {}): MessageWrite => ({
  id,
  role: 'user',
  text: `text of ${id}`,
  inReplyTo: null,
  createdAt: '2026-05-01T12:00:00.000Z',
  status: 'queued',
  ...more,
})
