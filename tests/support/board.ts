import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** Words that a test and the functions in its containers or processes read and write, over HTTP. */
export type Board = {
  get(name: string): string | undefined
  set(name: string, text: string): void
  /** An expression of a handler: whether something stands there. */
  isSet(name: string): string
  /** A statement of a handler that writes what the expression gives. */
  put(name: string, expression: string): string
  close(): Promise<void>
}

export async function openBoard(host: string): Promise<Board> {
  const words = new Map<string, string>()
  const server = createServer(async (request, response) => {
    const name = request.url!.slice(1)
    if (request.method === 'PUT') words.set(name, Buffer.concat(await request.toArray()).toString())
    response.end(words.get(name) ?? '')
  })
  await new Promise<void>(resolve => server.listen(0, host, resolve))
  const url = (name: string) =>
    JSON.stringify(`http://${host}:${(server.address() as AddressInfo).port}/${name}`)
  return {
    get: name => words.get(name),
    set: (name, text) => void words.set(name, text),
    isSet: name => `(await (await fetch(${url(name)})).text())`,
    put: (name, expression) => `await fetch(${url(name)}, { method: 'PUT', body: ${expression} })`,
    async close() {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  }
}
