import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { listMessages, send, waitForReply } from '../support/conversation.ts'
import { type LaresInstance, startInstance, TOKEN } from '../support/instance.ts'
import { type ModelServer, startModelServer } from '../support/model-server.ts'
import { findPlantedWords } from '../support/stores/planted.ts'
import { until } from '../support/until.ts'

const CONVERSATIONS = 8
/** Messages of a conversation that wait for their reply while the next is sent. */
const MAX_UNANSWERED = 4

let model: ModelServer
let folder: string
const instances: LaresInstance[] = []

beforeAll(async () => {
  model = await startModelServer({ delayMs: 30 })
  folder = await mkdtemp(join(tmpdir(), 'lares-backup-'))
})
afterAll(async () => {
  for (const instance of instances) await instance.stop()
  await model?.close()
  await rm(folder, { recursive: true, force: true })
})

async function start(home: string): Promise<LaresInstance> {
  const instance = await startInstance({ kind: 'embedded', modelUrl: model.url, home })
  instances.push(instance)
  return instance
}

async function lares(variables: NodeJS.ProcessEnv, ...args: string[]) {
  const { stdout } = await promisify(execFile)(process.execPath, ['infra/cli/lares.mjs', ...args, '--json'], {
    env: { ...process.env, LARES_TOKEN: TOKEN, ...variables },
  })
  return JSON.parse(stdout)
}

type Sent = { conversation: string; id: string; text: string }

/** Sends messages in several conversations at once until it is stopped, and records the acknowledged ones. */
function startLoad(instance: LaresInstance) {
  const acknowledged: Sent[] = []
  let isStopped = false
  const speak = async (conversation: string) => {
    const mine: Sent[] = []
    for (let n = 0; !isStopped; n++) {
      const text = n % 5 === 0 ? `take a note: schwarzwurzel ${n}` : `${conversation} says ${n}`
      mine.push({ conversation, id: await send(instance, conversation, text), text })
      acknowledged.push(mine.at(-1)!)
      const old = mine.at(-MAX_UNANSWERED)
      if (old) await waitForReply(instance, conversation, old.id)
    }
  }
  const speakers = Array.from({ length: CONVERSATIONS }, (_, at) => speak(`load-${at}`))
  // `stop` throws the sender's errors.
  for (const speaker of speakers) speaker.catch(() => undefined)
  return {
    acknowledged,
    async stop() {
      isStopped = true
      await Promise.all(speakers)
    },
  }
}

test('a backup that is taken under load restores with every acknowledged message, each answered once and in order', async () => {
  const home = join(folder, 'home')
  const running = await start(home)
  const load = startLoad(running)
  await until(() => load.acknowledged.length >= 120, 60_000)
  const before = [...load.acknowledged]
  const file = join(folder, 'whole.backup')
  const summary = await lares({ LARES_HOME: home, LARES_URL: running.url }, 'backup', file)
  const during = load.acknowledged.length - before.length
  await load.stop()
  await running.halt()
  expect(during).toBeGreaterThan(0)

  const restoredHome = join(folder, 'restored')
  await mkdir(restoredHome)
  await cp(join(home, 'master.key'), join(restoredHome, 'master.key'))
  const report = await lares({ LARES_HOME: restoredHome }, 'restore', file)
  const restored = await start(restoredHome)
  const unanswered = async () => {
    const missing: Sent[] = []
    for (let at = 0; at < CONVERSATIONS; at++) {
      const conversation = `load-${at}`
      const rows = await listMessages(restored, conversation)
      const said = new Set(rows.map(({ id }) => id))
      const answered = new Set(rows.map(({ inReplyTo }) => inReplyTo))
      const isOpen = rows.some(({ status }) => status === 'queued' || status === 'answering')
      const lost = before.filter(one => one.conversation === conversation && !said.has(one.id))
      const waiting = before.filter(
        one => one.conversation === conversation && said.has(one.id) && !answered.has(one.id) && isOpen,
      )
      missing.push(...lost, ...waiting)
    }
    return missing
  }
  await until(async () => (await unanswered()).length === 0, 30_000).catch(async error => {
    throw new Error(`${error.message}: ${JSON.stringify(await unanswered())}\n${restored.output()}`)
  })
  for (let at = 0; at < CONVERSATIONS; at++) {
    const rows = await listMessages(restored, `load-${at}`)
    const replies = rows.filter(({ role }) => role === 'assistant')
    expect(new Set(replies.map(({ inReplyTo }) => inReplyTo)).size).toBe(replies.length)
    const said = rows.filter(({ role }) => role === 'user').map(({ text }) => text)
    const expected = before
      .filter(({ conversation }) => conversation === `load-${at}`)
      .map(({ text }) => text)
    expect(said.slice(0, expected.length)).toEqual(expected)
  }
  process.stdout.write(
    `backup under load: ${before.length} acknowledged before, ${during} during; ${JSON.stringify(summary)} → ${JSON.stringify(report)}\n`,
  )
}, 240_000)

test('a backup tells nothing to somebody without the master key', async () => {
  const file = join(folder, 'whole.backup')
  const bytes = await readFile(file)
  for (const word of ['schwarzwurzel', 'load-1', 'owner']) expect(bytes.includes(word)).toBe(false)
  expect(await findPlantedWords(['schwarzwurzel'], folder)).toEqual([])
  await expect(lares({ LARES_HOME: join(folder, 'other') }, 'restore', file)).rejects.toMatchObject({
    stderr: expect.stringMatching(/master key/),
  })
})
