import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, statSync, unlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, expect, test } from 'vitest'
import { type LaresInstance, startInstance } from '../support/instance.ts'
import { type ModelServer, startModelServer } from '../support/model-server.ts'
import { until } from '../support/until.ts'

const WAIT_TIMEOUT_MS = 30_000

/** A full disk, real or by the limit of a process on the size of its files; `free` makes room again. */
type TestDisk = {
  home: string
  fill(instance: LaresInstance): void
  free(instance: LaresInstance): void
  close(): void
}

/** A file system of its own in memory. Undefined where this process may not mount one. */
function mountedDisk(): TestDisk | undefined {
  const home = mkdtempSync(join(tmpdir(), 'lares-disk-'))
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=24m', 'tmpfs', home], { stdio: 'ignore' })
  } catch {
    rmSync(home, { recursive: true })
    return undefined
  }
  const ballast = join(home, 'ballast')
  return {
    home,
    fill() {
      // The last bytes in small pieces, so that nothing is left.
      for (const bytes of [1024 * 1024, 4096])
        for (let failed = false; !failed; )
          try {
            writeFileSync(ballast, Buffer.alloc(bytes), { flag: 'a' })
          } catch {
            failed = true
          }
    },
    free: () => unlinkSync(ballast),
    close() {
      execFileSync('umount', [home])
      rmSync(home, { recursive: true })
    },
  }
}

/** `ulimit -f` on a process that runs: what would make a file longer than the log is now fails. Linux. */
function limitedDisk(): TestDisk | undefined {
  if (process.platform !== 'linux') return undefined
  const home = mkdtempSync(join(tmpdir(), 'lares-disk-'))
  const limit = (instance: LaresInstance, bytes: string) =>
    execFileSync('prlimit', [`--pid=${instance.pid('embedded')}`, `--fsize=${bytes}:unlimited`])
  return {
    home,
    fill: instance => limit(instance, String(statSync(join(home, 'bus.db-wal')).size)),
    free: instance => limit(instance, 'unlimited'),
    close: () => rmSync(home, { recursive: true }),
  }
}

let instance: LaresInstance | undefined
let model: ModelServer | undefined
let disk: TestDisk | undefined
afterEach(async () => {
  await instance?.stop()
  await model?.close()
  disk?.close()
  instance = undefined
})

test.each([
  ['a file system without room', mountedDisk],
  ['files that may not grow', limitedDisk],
])(
  '%s: messages are refused clearly, nothing acknowledged is lost, and all goes on when there is room',
  async (name, open) => {
    disk = open()
    if (!disk && process.env.LARES_CI && process.platform === 'linux' && process.getuid?.() === 0)
      throw new Error(`this machine cannot give ${name}`)
    if (!disk) return console.warn(`skipped: this machine cannot give ${name}`)
    model = await startModelServer()
    instance = await startInstance({ kind: 'embedded', modelUrl: model.url, home: disk.home })
    const { request } = instance
    const say = async (text: string) => {
      const response = await request('/api/messages', {
        method: 'POST',
        headers: { 'idempotency-key': text },
        body: JSON.stringify({ conversation: 'room', text }),
      })
      return {
        status: response.status,
        retryAfter: response.headers.get('retry-after'),
        body: await response.text(),
      }
    }
    const replies = async () => {
      const { messages } = (await (await request('/api/conversations/room/messages?limit=200')).json()) as {
        messages: { role: string; text: string }[]
      }
      return messages.filter(({ role }) => role === 'assistant').map(({ text }) => text)
    }
    expect((await say('before')).status).toBe(202)
    await until(async () => (await replies()).length === 1, WAIT_TIMEOUT_MS)

    disk.fill(instance)
    const refusal = await until(async () => {
      const answer = await say(crypto.randomUUID())
      return answer.status === 503 ? answer : undefined
    }, WAIT_TIMEOUT_MS)
    expect(refusal.body).toMatch(/full|disk I\/O|file too large/i)
    expect(Number(refusal.retryAfter)).toBeGreaterThanOrEqual(1)
    expect((await say('meanwhile')).status).toBe(503)
    const readiness = await request('/readyz')
    expect(readiness.status).toBe(503)
    expect(await readiness.text()).toMatch(/full|disk I\/O|file too large/i)
    // Existing rows can be read.
    expect(await replies()).toContain('echo: before')

    disk.free(instance)
    await until(async () => (await say('meanwhile')).status === 202, WAIT_TIMEOUT_MS)
    await until(async () => (await replies()).includes('echo: meanwhile'), WAIT_TIMEOUT_MS)
    expect((await replies()).filter(text => text === 'echo: meanwhile')).toHaveLength(1)
    await instance.restart()
    expect((await say('after')).status).toBe(202)
    await until(async () => (await replies()).includes('echo: after'), WAIT_TIMEOUT_MS)
    await instance.halt()
    for (const file of ['bus.db', 'conversations.db']) {
      const database = new DatabaseSync(join(disk.home, file))
      expect(database.prepare('PRAGMA integrity_check').all()).toEqual([{ integrity_check: 'ok' }])
      database.close()
    }
  },
  180_000,
)
