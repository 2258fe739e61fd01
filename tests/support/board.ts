import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A server with values that a test and the functions in its containers or processes read and write, over HTTP. */
export type KeyValueServer = {
  get(name: string): string | undefined
  set(name: string, text: string): void
  /** An expression for a handler: the value of a name, empty when nobody has set it. */
  getExpression(name: string): string
  /** A statement for a handler that writes the value of an expression. */
  putStatement(name: string, expression: string): string
  close(): Promise<void>
}

export async function startKeyValueServer(host: string): Promise<KeyValueServer> {
  const values = new Map<string, string>()
  const server = createServer(async (request, response) => {
    const name = request.url!.slice(1)
    if (request.method === 'PUT') values.set(name, Buffer.concat(await request.toArray()).toString())
    response.end(values.get(name) ?? '')
  })
  await new Promise<void>(resolve => server.listen(0, host, resolve))
  const url = (name: string) =>
    JSON.stringify(`http://${host}:${(server.address() as AddressInfo).port}/${name}`)
  return {
    get: name => values.get(name),
    set: (name, text) => void values.set(name, text),
    getExpression: name => `(await (await fetch(${url(name)})).text())`,
    putStatement: (name, expression) => `await fetch(${url(name)}, { method: 'PUT', body: ${expression} })`,
    async close() {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  }
}
