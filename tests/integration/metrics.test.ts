import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freePort } from '../../shared/base/free-port.ts'
import { ask, send } from '../support/conversation.ts'
import { type LaresInstance, startInstance } from '../support/instance.ts'
import { type ModelServer, startModelServer } from '../support/model-server.ts'
import { until } from '../support/until.ts'

const hasPromtool = spawnSync('promtool', ['--version']).status === 0
if (!hasPromtool && process.env.LARES_CI) throw new Error('promtool is missing: apt-get install prometheus')

let model: ModelServer
let instance: LaresInstance

beforeAll(async () => {
  model = await startModelServer()
  instance = await startInstance({ kind: 'embedded', modelUrl: model.url })
})
afterAll(async () => {
  await instance?.stop()
  await model?.close()
})

/** The findings of Prometheus's own tool for a page: none, when it is valid. */
function promtoolOutput(page: string): string {
  const { stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], { input: page, encoding: 'utf8' })
  return stdout + stderr
}

/**
 * One process of a deployment with separate processes, on embedded drivers with its own LARES_HOME, and its metrics
 * page.
 */
async function scrapeProcess(
  script: string,
  args: string[],
  path: string,
  variables: Record<string, string>,
) {
  const home = await mkdtemp(join(tmpdir(), 'lares-metrics-'))
  const port = String(await freePort())
  const env = { ...process.env, LARES_HOME: home, PORT: port, LARES_METRICS_PORT: port, ...variables }
  const child: ChildProcess = spawn(process.execPath, [script, ...args], { env, stdio: 'inherit' })
  try {
    return await until(async () => {
      const answer = await fetch(`http://127.0.0.1:${port}${path}`).catch(() => undefined)
      return answer?.ok ? await answer.text() : undefined
    }, 60_000)
  } finally {
    const exited = new Promise(resolve => child.once('exit', resolve))
    child.kill('SIGTERM')
    await exited
    await rm(home, { recursive: true, force: true })
  }
}

test.skipIf(!hasPromtool)(
  'the page of the one process is as Prometheus wants it, after all kinds of turns',
  async () => {
    await ask(instance, 'home', 'tell me something nice')
    await ask(instance, 'home', 'what is 12.5% of 8640?')
    await ask(instance, 'home', 'please [fail:400] now')
    await send(instance, 'home', 'only once', 'key-1')
    await send(instance, 'home', 'only once', 'key-1')
    const page = await (await instance.request('/metrics')).text()
    expect(promtoolOutput(page)).toBe('')
    for (const name of [
      'lares_function_lag',
      'lares_function_oldest_seconds',
      'lares_dead_letters',
      'lares_dead_letters_total',
      'lares_retries_total',
      'lares_duplicates_total',
      'lares_connector_in_flight',
      'messaging_process_duration_seconds',
      'http_server_request_duration_seconds',
      'faas_invoke_duration_seconds',
      'gen_ai_client_operation_duration_seconds',
    ])
      expect(page).toMatch(new RegExp(`^# TYPE ${name} `, 'm'))
    expect(page).toContain('lares_duplicates_total{place="gateway"} 1')
  },
)

test.skipIf(!hasPromtool)('a function’s process serves a page of its own', async () => {
  const page = await scrapeProcess('shared/host/main.ts', ['functions/skills/time'], '/_/metrics', {})
  expect(promtoolOutput(page)).toBe('')
  expect(page).toContain('lares_function_running{faas_name="time"} 0')
})

test.skipIf(!hasPromtool)('the connector’s process serves a page of its own', async () => {
  const page = await scrapeProcess('infra/connector/main.ts', [], '/metrics', {})
  expect(promtoolOutput(page)).toBe('')
  expect(page).toContain('lares_function_lag{function="dialog"} 0')
})
