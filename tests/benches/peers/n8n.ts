import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { freePort } from '../../../shared/base/free-port.ts'
import { installNpmPackages } from '../../support/npm-program.ts'
import { startPostgres } from '../../support/stores/postgres.ts'
import { until } from '../../support/until.ts'
import { startPeer, stopPeer } from './peers.ts'

/** The newest version whose dependencies were all published when this was written. */
export const N8N_VERSION = '2.40.7'

export type Webhook = { url: string; headers: Record<string, string>; close(): Promise<void> }

/**
 * n8n from npm, set up as its documents say for production: PostgreSQL, NODE_ENV=production, no telemetry.
 * https://docs.n8n.io/hosting. The workflow: a webhook, a node that makes the answer, a node that responds with it.
 */
export async function startN8n(): Promise<Webhook> {
  const folder = await installNpmPackages(`n8n-${N8N_VERSION}`, [`n8n@${N8N_VERSION}`])
  const postgres = await startPostgres()
  const database = new URL(await postgres.database())
  const home = await mkdtemp(join(tmpdir(), 'lares-n8n-'))
  const [port, broker] = await Promise.all([freePort(), freePort()])
  const command = join(folder, 'node_modules/.bin/n8n')
  const env = {
    NODE_ENV: 'production',
    N8N_USER_FOLDER: home,
    N8N_PORT: String(port),
    N8N_LISTEN_ADDRESS: '127.0.0.1',
    N8N_RUNNERS_BROKER_PORT: String(broker),
    N8N_DIAGNOSTICS_ENABLED: 'false',
    N8N_VERSION_NOTIFICATIONS_ENABLED: 'false',
    N8N_TEMPLATES_ENABLED: 'false',
    N8N_PERSONALIZATION_ENABLED: 'false',
    DB_TYPE: 'postgresdb',
    DB_POSTGRESDB_HOST: database.hostname,
    DB_POSTGRESDB_PORT: database.port,
    DB_POSTGRESDB_DATABASE: database.pathname.slice(1),
    DB_POSTGRESDB_USER: database.username,
  }
  const run = (...args: string[]) =>
    promisify(execFile)(command, args, { env: { ...process.env, ...env }, maxBuffer: 16 * 1024 * 1024 })
  await writeFile(join(home, 'workflow.json'), JSON.stringify(workflow))
  await run('import:workflow', `--input=${join(home, 'workflow.json')}`)
  await run('publish:workflow', `--id=${workflow.id}`)
  const server = startPeer(command, ['start'], env)
  const url = `http://127.0.0.1:${port}/webhook/bench`
  const headers = { 'content-type': 'application/json' }
  const isUp = () =>
    fetch(url, { method: 'POST', headers, body: '{"text":"up?"}' }).then(
      // While it starts, n8n answers 200 with a page that says so.
      async answer => answer.ok && (await answer.text()).includes('1080'),
      () => false,
    )
  await until(isUp, 180_000)
  return {
    url,
    headers,
    async close() {
      await stopPeer(server)
      await postgres.close()
      await rm(home, { recursive: true, force: true })
    },
  }
}

const workflowNode = (id: string, name: string, type: string, typeVersion: number, parameters: object) => ({
  id,
  name,
  type: `n8n-nodes-base.${type}`,
  typeVersion,
  position: [0, 0],
  parameters,
})
const connectionTo = (next: string) => ({ main: [[{ node: next, type: 'main', index: 0 }]] })

const workflow = {
  id: 'laresbench',
  name: 'bench',
  active: false,
  settings: { executionOrder: 'v1' },
  nodes: [
    {
      ...workflowNode('1', 'Webhook', 'webhook', 2, {
        httpMethod: 'POST',
        path: 'bench',
        responseMode: 'responseNode',
        options: {},
      }),
      webhookId: 'bench',
    },
    workflowNode('2', 'Answer', 'set', 3.4, {
      assignments: {
        assignments: [{ id: 'text', name: 'text', type: 'string', value: '={{ String(8640 * 0.125) }}' }],
      },
      options: {},
    }),
    workflowNode('3', 'Respond', 'respondToWebhook', 1.1, {
      respondWith: 'json',
      responseBody: '={{ JSON.stringify({ text: $json.text }) }}',
      options: {},
    }),
  ],
  connections: { Webhook: connectionTo('Answer'), Answer: connectionTo('Respond') },
}
