import { execFile } from 'node:child_process'
import { access, constants, stat, statfs } from 'node:fs/promises'
import { createServer } from 'node:net'
import { dirname } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import type { LaresError } from '../../../shared/base/errors.ts'
import type { Environment } from '../../../shared/config/environment.ts'
import { CONFIG_NAMES, readConfig, requireConfigDirectory } from '../../../shared/config/files.ts'
import type { Readiness } from '../operations/readiness.ts'
import { type Finding, ok, problem, warning } from './finding.ts'

const NODE_MAJOR = 24
const OTHERS_PERMISSION_BITS = 0o077
const BYTES_PER_GB = 1e9
const MIN_FREE_BYTES = 0.2 * BYTES_PER_GB
const LOW_FREE_BYTES = 1 * BYTES_PER_GB

export async function checkNode(): Promise<Finding> {
  const { node } = process.versions
  return Number.parseInt(node, 10) >= NODE_MAJOR
    ? ok('node', `Node ${node}`)
    : problem('node', `this is Node ${node}, and Lares needs ${NODE_MAJOR}: run npm ci --include=optional`)
}

export async function checkDisk({ dataDirectory }: Environment): Promise<Finding> {
  const { bavail, bsize } = await statfs(await nearestExistingFolder(dataDirectory))
  const free = bavail * bsize
  const message = `${(free / BYTES_PER_GB).toFixed(1)} GB are free for ${dataDirectory}`
  if (free < MIN_FREE_BYTES)
    return problem('disk', `${message}: free some, or set LARES_HOME to a larger disk`)
  return free < LOW_FREE_BYTES ? warning('disk', `${message}: make room soon`) : ok('disk', message)
}

export async function checkHome({ dataDirectory }: Environment): Promise<Finding> {
  const folder = await nearestExistingFolder(dataDirectory)
  const writable = await access(folder, constants.W_OK).then(
    () => true,
    () => false,
  )
  const mode = (await stat(folder)).mode
  if (
    writable &&
    folder === dataDirectory &&
    process.platform !== 'win32' &&
    (mode & OTHERS_PERMISSION_BITS) !== 0
  )
    return warning(
      'home',
      `other users have rights in ${folder}: the next start takes them away, or chmod 700 ${folder}`,
    )
  if (!writable)
    return problem('home', `${folder} cannot be written: give this user the right to, or set LARES_HOME`)
  return ok(
    'home',
    folder === dataDirectory
      ? `${dataDirectory} can be written`
      : `${dataDirectory} will be made at the first start`,
  )
}

/** The folder itself, or its nearest existing parent. */
async function nearestExistingFolder(folder: string): Promise<string> {
  const isThere = await access(folder).then(
    () => true,
    () => false,
  )
  return isThere || dirname(folder) === folder ? folder : nearestExistingFolder(dirname(folder))
}

export async function checkConfig(
  { configDirectory }: Environment,
  variables: NodeJS.ProcessEnv,
): Promise<Finding> {
  requireConfigDirectory(configDirectory, variables)
  for (const name of CONFIG_NAMES) readConfig(configDirectory, name)
  return ok('configuration', `the files in ${configDirectory} are valid`)
}

/** `gateway` is the response at the gateway's address. */
export async function checkPort(
  { host, port, gatewayUrl }: Environment,
  gateway: Readiness | LaresError,
): Promise<Finding> {
  if (!(gateway instanceof Error)) return ok('port', `the gateway is at ${gatewayUrl}`)
  if (gateway.code === 'conflict') return problem('port', gateway.message)
  const reason = await tryListen(host, port)
  if (reason === undefined) return ok('port', `${port} is free; no gateway runs: npm start starts one`)
  return problem('port', `${host}:${port} cannot be listened on (${reason}): set PORT to another one`)
}

function tryListen(host: string, port: number): Promise<string | undefined> {
  const server = createServer()
  return new Promise(resolve => {
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    server.listen(port, host, () => server.close(() => resolve(undefined)))
  })
}

/** The first line of the program's version output; undefined when the program is not installed. */
export function readProgramVersion(program: string, args: string[]): Promise<string | undefined> {
  return new Promise(resolve =>
    execFile(program, args, { timeout: 10_000 }, (error, stdout, stderr) =>
      resolve(error ? undefined : stripVTControlCharacters(`${stdout}${stderr}`).split('\n', 1)[0]),
    ),
  )
}
