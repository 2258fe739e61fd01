import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Agent, request } from 'undici'
import { freePort } from '../../../shared/base/free-port.ts'
import { installNpmPackages } from '../../support/npm-program.ts'
import { until } from '../../support/until.ts'
import { startPeer, stopPeer } from './peers.ts'

export const RESTATE_VERSIONS = { server: '1.7.12', sdk: '1.17.2' }

export type Peer = { turn(text: string): Promise<string>; close(): Promise<void> }

/**
 * A single-node Restate server from its released package with its defaults (every step is synced to its log before it
 * counts), and a service of `steps` durable steps in a process of its own. https://docs.restate.dev
 */
export async function startRestate(steps: number): Promise<Peer> {
  const folder = await installNpmPackages(`restate-${RESTATE_VERSIONS.server}`, [
    `@restatedev/restate-server@${RESTATE_VERSIONS.server}`,
    `@restatedev/restate-sdk@${RESTATE_VERSIONS.sdk}`,
  ])
  const data = await mkdtemp(join(tmpdir(), 'lares-restate-'))
  const [node, ingress, admin, port] = await Promise.all([freePort(), freePort(), freePort(), freePort()])
  const server = startPeer(join(folder, 'node_modules/.bin/restate-server'), [], {
    RESTATE_BASE_DIR: data,
    RESTATE_NODE_NAME: 'bench',
    RESTATE_BIND_ADDRESS: `127.0.0.1:${node}`,
    RESTATE_INGRESS__BIND_ADDRESS: `127.0.0.1:${ingress}`,
    RESTATE_ADMIN__BIND_ADDRESS: `127.0.0.1:${admin}`,
    RESTATE_DISABLE_TELEMETRY: 'true',
    RESTATE_LOG_FILTER: 'error',
  })
  const script = fileURLToPath(new URL('./restate-service.mjs', import.meta.url))
  const service = startPeer(process.execPath, [script, folder, String(port), String(steps)], {})
  const agent = new Agent({ connections: 256 })
  const post = async (url: string, body: object) => {
    const response = await request(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      dispatcher: agent,
    })
    const text = await response.body.text()
    if (response.statusCode >= 300) throw new Error(`${url} answered ${response.statusCode}: ${text}`)
    return text
  }
  const register = () =>
    post(`http://127.0.0.1:${admin}/deployments`, { uri: `http://127.0.0.1:${port}` }).catch(() => undefined)
  await until(register, 60_000)
  return {
    turn: async text =>
      (JSON.parse(await post(`http://127.0.0.1:${ingress}/bench/turn`, { text })) as { text: string }).text,
    async close() {
      await agent.close()
      await Promise.all([stopPeer(service), stopPeer(server)])
      await rm(data, { recursive: true, force: true })
    },
  }
}
