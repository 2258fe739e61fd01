import websocket from '@fastify/websocket'
import fastify from 'fastify'
import { expect, test, vi } from 'vitest'
import { watchReplies } from './reply-watch.ts'

const row = {
  id: 'r1',
  role: 'assistant',
  text: 'Yes.',
  inReplyTo: 'm1',
  createdAt: '2026-05-01T12:00:00.000Z',
  status: 'completed',
}

test('a conversation that could not be followed while the store was away is followed when it is back', async () => {
  let refusals = 0
  const app = fastify()
  await app.register(websocket)
  app.get('/api/socket', { websocket: true }, socket => {
    socket.on('message', data => {
      const { conversation } = JSON.parse(String(data)) as { conversation: string }
      const frame =
        ++refusals <= 2
          ? { type: 'error', code: 'unavailable', message: 'the database is away' }
          : { type: 'message', conversation, sequence: 7, message: row }
      socket.send(JSON.stringify(frame))
    })
  })
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  const seen: [string, string][] = []
  const watch = watchReplies({ url, token: 'any' }, (conversation, { id }) => seen.push([conversation, id]))
  watch.watch('c')
  await vi.waitFor(() => expect(seen).toEqual([['c', 'r1']]), { timeout: 30_000 })
  watch.close()
  await app.close()
})
