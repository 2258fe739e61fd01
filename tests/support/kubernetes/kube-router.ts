import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { LaresError } from '../../../shared/base/errors.ts'
import { freePort } from '../../../shared/base/free-port.ts'
import { installPackages } from '../debian-packages.ts'
import { buildGoPrograms } from '../go-program.ts'
import { until } from '../until.ts'
import { type KubernetesServer, type RunningProgram, startProgram } from './kubernetes.ts'

const run = promisify(execFile)
const CHAIN = 'KUBE-ROUTER-FORWARD'
/** kube-router's own `--cleanup-config` removes no rules of policies, and all of IPVS. */
const CLEANUP_SCRIPT = `iptables-save -t filter | grep -v KUBE- | iptables-restore
ipset list -n | grep KUBE- | xargs -r -n 1 ipset destroy`
const START_TIMEOUT_MS = 30_000

/**
 * Starts the controller of kube-router, which enforces the cluster's network policies on the pods of a node. It uses
 * iptables and ipset of this machine, and restores both when it ends. Errors: `unavailable`.
 */
export async function startKubeRouter(
  { kubeconfig }: KubernetesServer,
  node: string,
): Promise<RunningProgram> {
  const folder = await buildGoPrograms({
    name: 'kube-router',
    module: 'github.com/cloudnativelabs/kube-router/v2',
    programs: { 'kube-router': './cmd/kube-router' },
    version: 'v2.1.0',
    buildDuration: 'about three minutes',
  })
  await run('ipset', ['--version']).catch(() => installPackages('ipset'))
  await run('sh', ['-c', CLEANUP_SCRIPT])
  const home = await mkdtemp(join(tmpdir(), 'lares-kube-router-'))
  const program = await startProgram(join(folder, 'kube-router'), home, 'kube-router', [
    ...['--run-firewall=true', '--run-router=false', '--run-service-proxy=false'],
    ...['--kubeconfig', kubeconfig, '--hostname-override', node],
    ...['--service-cluster-ip-range', '10.96.0.0/24', '--health-port', String(await freePort())],
  ])
  const end = async () => {
    await program.end()
    await run('sh', ['-c', CLEANUP_SCRIPT])
    await rm(home, { recursive: true, force: true })
  }
  try {
    const isUp = () => run('iptables', ['-S', CHAIN]).catch(() => undefined)
    await until(async () => program.hasExited() || (await isUp()), START_TIMEOUT_MS)
    if (program.hasExited()) throw new Error('it ended')
  } catch (cause) {
    const output = await program.output()
    await end()
    throw new LaresError('unavailable', `kube-router did not start: ${output}`, { cause })
  }
  return { ...program, end }
}
