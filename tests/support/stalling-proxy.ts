import type { AddressInfo } from 'node:net'
import { connect, createServer, type Socket } from 'node:net'

export type StallingProxy = {
  port: number
  /** From now on the proxy passes no data and closes no connection, like a server behind a broken network. */
  stall(): void
  /** Breaks every connection and lets new ones through again. */
  heal(): void
  close(): Promise<void>
}

/** A proxy between a client and a server on this machine, to make the network between them fail. */
export async function startStallingProxy(target: number): Promise<StallingProxy> {
  const sockets = new Set<Socket>()
  let isStalled = false
  const track = (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => socket.destroy())
    socket.on('close', () => sockets.delete(socket))
    return socket
  }
  const server = createServer(client => {
    track(client)
    const upstream = track(connect(target, '127.0.0.1'))
    const pipe = (from: Socket, to: Socket) => {
      from.on('data', data => isStalled || to.write(data))
      from.on('close', () => isStalled || to.destroy())
    }
    pipe(client, upstream)
    pipe(upstream, client)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const breakAll = () => sockets.forEach(socket => void socket.destroy())
  return {
    port: (server.address() as AddressInfo).port,
    stall() {
      isStalled = true
    },
    heal() {
      isStalled = false
      breakAll()
    },
    async close() {
      breakAll()
      await new Promise(resolve => server.close(resolve))
    },
  }
}
