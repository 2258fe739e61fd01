import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { channelSuite } from '../../gateway/channels/channel.suite.ts'
import type { Channel } from '../../gateway/channels/channel.ts'
import { freePort } from '../../shared/base/free-port.ts'
import { sendRequest } from './gateway/client.ts'
import { openTestGateway } from './gateway/gateway-instance.ts'

/** The channel of docs/channels.md, in the folder in which a reader puts it. */
const source = await readFile('docs/channels.md', 'utf8')
const [, code = ''] = /^```ts\n(.*?)^```/ms.exec(source)!

type LinesModule = { linesChannel(options: { person: string; port: number }): Channel }

let checkout: string
let documented: LinesModule
beforeAll(async () => {
  checkout = await mkdtemp(join(tmpdir(), 'lares-channel-'))
  const folder = join(checkout, 'gateway/channels/lines')
  await mkdir(folder, { recursive: true })
  for (const part of ['shared', 'node_modules', 'package.json', 'gateway/ingress'])
    await symlink(resolve(part), join(checkout, part))
  await symlink(resolve('gateway/channels/channel.ts'), join(checkout, 'gateway/channels/channel.ts'))
  await writeFile(join(folder, 'lines.ts'), code)
  documented = (await import(pathToFileURL(join(folder, 'lines.ts')).href)) as LinesModule
})
afterAll(() => rm(checkout, { recursive: true }))

/** A connected person, and the lines that they read. */
async function connectTo(port: number): Promise<{ socket: Socket; lines: string[] }> {
  const lines: string[] = []
  const socket = connect(port, '127.0.0.1')
  createInterface(socket).on('line', line => lines.push(line))
  await new Promise(resolve => socket.once('connect', resolve))
  return { socket, lines }
}

async function say({ socket, lines }: Awaited<ReturnType<typeof connectTo>>, text: string, key: string) {
  const isAnswer = (line: string) => new RegExp(`^(ok|error) ${key}\\b`).test(line)
  const before = lines.filter(isAnswer).length
  socket.write(`${key} ${text}\n`)
  await expect.poll(() => lines.filter(isAnswer).length).toBe(before + 1)
  return lines.filter(isAnswer).at(-1)!.startsWith('ok')
}

channelSuite('the documented channel', async () => {
  const port = await freePort()
  const channel = documented.linesChannel({ person: 'owner', port })
  let client: Awaited<ReturnType<typeof connectTo>>
  return {
    channel,
    async start(handler) {
      await channel.receive!(handler)
      client = await connectTo(port)
    },
    say: (text, key) => say(client, text, key),
    async stop() {
      client.socket.destroy()
      await channel.close!()
    },
  }
})

test('a gateway with the documented channel answers there, and only there', async () => {
  const port = await freePort()
  const gateway = await openTestGateway({
    overrides: { channels: [documented.linesChannel({ person: 'owner', port })] },
  })
  const client = await connectTo(port)
  // A channel that is new begins where the log ends, once it has looked.
  await expect
    .poll(async () =>
      (await gateway.bus.lag('lares.delivery.lines', ['lares.reply'])).map(lag => lag.committed),
    )
    .not.toContain(null)
  await sendRequest(gateway, '/api/messages', { json: { text: 'on the page', conversation: 'page' } })
  expect(await say(client, 'by a line', 'k1')).toBe(true)
  await expect.poll(() => client.lines).toContain('reply You said: by a line')
  expect(client.lines.filter(line => line.startsWith('reply'))).toHaveLength(1)
  client.socket.destroy()
  await gateway.close()
})
