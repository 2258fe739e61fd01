import { createServer, type Server } from 'node:net'
import { LaresError } from './errors.ts'

const HOST = '127.0.0.1'
/**
 * The range lies below the ports that systems give to outgoing connections and to servers that ask for any port. These
 * begin at 32768 on Linux, and at 49152 on macOS and Windows. It also lies below Kubernetes' node ports (30000
 * upwards). So only a program that asks for exactly this port can take it before the caller listens.
 */
const FIRST_PORT = 20_000
const PORT_COUNT = 5_000
/** The guard of port P is the socket that listens on P + 5,000. */
const GUARD_OFFSET = PORT_COUNT

/** Guards of the ports that this process has reserved; they end with the process. */
const guards = new Map<number, Server>()

/**
 * Finds a port of 127.0.0.1 on which no process listens, for a program that must know its port before it starts. No
 * other call in any process of this machine returns the same port while this process lives. A server that can bind port
 * 0 does not need this function. Errors: `unavailable` when all ports are taken.
 */
export async function freePort(): Promise<number> {
  const start = Math.floor(Math.random() * PORT_COUNT)
  for (let n = 0; n < PORT_COUNT; n++) {
    const port = FIRST_PORT + ((start + n) % PORT_COUNT)
    if (!guards.has(port) && (await reservePort(port))) return port
  }
  throw new LaresError(
    'unavailable',
    `no port from ${FIRST_PORT} to ${FIRST_PORT + PORT_COUNT - 1} is free; end the programs that listen on them`,
  )
}

/**
 * Reserves a port that `freePort` gave to an earlier process, for example because stored data names it. Resolves with
 * false when another process has reserved the port or listens on it.
 */
export async function reservePort(port: number): Promise<boolean> {
  if (guards.has(port)) return true
  const guard = await listen(port + GUARD_OFFSET)
  if (guard === undefined) return false
  if (await isFree(port)) {
    guards.set(port, guard.unref())
    return true
  }
  await close(guard)
  return false
}

/** Whether no process listens on the port now. */
export async function isFree(port: number, host = HOST): Promise<boolean> {
  const probe = await listen(port, host)
  if (probe !== undefined) await close(probe)
  return probe !== undefined
}

/** Undefined when the port is in use or not allowed. */
const listen = (port: number, host = HOST): Promise<Server | undefined> =>
  new Promise(resolve => {
    const server = createServer(socket => socket.destroy())
    server.once('error', () => resolve(undefined))
    server.listen({ port, host, exclusive: true }, () => resolve(server))
  })

const close = (server: Server) => new Promise(resolve => server.close(resolve))
