import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { freePort } from '../../shared/base/free-port.ts'
import { basicAuth } from '../support/provider.ts'
import { until } from '../support/until.ts'

let home: string
let port: number
const runningProcesses = new Set<ChildProcess>()
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'lares-provider-command-'))
  port = await freePort()
})
afterEach(async () => {
  for (const child of runningProcesses) child.kill('SIGKILL')
  await rm(home, { recursive: true, force: true })
})

/** What `npm run provider -- ARGS` runs. */
function runProvider(...args: string[]) {
  const child = spawn(process.execPath, ['infra/provider/main.ts', ...args], {
    env: { ...process.env, LARES_HOME: home, PROVIDER_PORT: String(port), PROVIDER_SPARES: '0' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  runningProcesses.add(child)
  const output = { out: '', err: '' }
  child.stdout.on('data', chunk => {
    output.out += chunk
  })
  child.stderr.on('data', chunk => {
    output.err += chunk
  })
  const ended = once(child, 'exit').then(([code]) => {
    runningProcesses.delete(child)
    return code as number | null
  })
  return { said: output, ended, stop: () => child.kill('SIGTERM') }
}

const waitUntilReady = (one: ReturnType<typeof runProvider>) =>
  until(async () => one.said.out.includes(`http://127.0.0.1:${port} takes functions`), 30_000)

test('it says where it listens and where the password is, and functions outlive it unless that is wished', async () => {
  const first = runProvider('--backend', 'process')
  await waitUntilReady(first)
  const file = join(home, 'provider', 'password')
  expect(first.said.out).toContain(`the password is in ${file}`)
  const authorization = basicAuth((await readFile(file, 'utf8')).trim())
  const deployed = await fetch(`http://127.0.0.1:${port}/system/functions`, {
    method: 'POST',
    headers: { authorization },
    body: JSON.stringify({ service: 'calculator', image: '127.0.0.1:5000/lares/calculator:latest' }),
  })
  expect([deployed.status, await deployed.text()]).toEqual([202, ''])
  first.stop()
  expect(await first.ended).toBe(0)
  expect(first.said.out).toContain('1 functions go on running; the next start finds them')
  const second = runProvider('--backend', 'process', '--stop-functions')
  await waitUntilReady(second)
  const listed = await fetch(`http://127.0.0.1:${port}/system/functions`, { headers: { authorization } })
  expect(await listed.json()).toMatchObject([{ name: 'calculator', availableReplicas: 1 }])
  second.stop()
  expect(await second.ended).toBe(0)
  expect(second.said.out).not.toContain('go on running')
}, 60_000)

test.each([
  [['--backend', 'vm'], '--backend vm is not known; there are process, docker and knative'],
  [['--port', '1'], "Unknown option '--port'"],
])('%j is refused with the remedy', async (args, reason) => {
  const one = runProvider(...args)
  expect(await one.ended).toBe(1)
  expect(`${one.said.out}${one.said.err}`).toContain(reason)
})
