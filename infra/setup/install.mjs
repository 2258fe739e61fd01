import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const progressMs = 10_000

/**
 * Makes node_modules match package-lock.json. Does nothing, and reaches no network, when a stamp in node_modules says
 * that both match already. Throws an Error with npm's output and the remedy.
 * @param {string} root
 */
export async function install(root) {
  const lockText = readFileSync(join(root, 'package-lock.json'), 'utf8')
  const stampFile = join(root, 'node_modules', '.lares-stamp')
  // The platform is part of the stamp: a container and its host may share a checkout.
  const stamp = `${createHash('sha256').update(lockText).digest('hex')} ${process.platform}-${process.arch}\n`
  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp) return
  const lock = JSON.parse(lockText)
  if (!installedByHand(root, lock)) await installByNpm(root, lock)
  writeFileSync(stampFile, stamp)
}

/**
 * Whether an `npm install` by hand already brought all packages of the lockfile, by npm's own record.
 * @param {string} root
 * @param {{packages: Record<string, {integrity?: string, optional?: boolean}>}} lock
 */
function installedByHand(root, lock) {
  const record = join(root, 'node_modules', '.package-lock.json')
  if (!existsSync(record)) return false
  const installed = JSON.parse(readFileSync(record, 'utf8')).packages
  return Object.entries(lock.packages).every(([path, entry]) => {
    if (path === '') return true
    if (!installed[path])
      return entry.optional === true && !path.endsWith(`node-${process.platform}-${process.arch}`)
    return !entry.integrity || installed[path].integrity === entry.integrity
  })
}

/**
 * @param {string} root
 * @param {{packages: object}} lock
 */
async function installByNpm(root, lock) {
  const startedAt = Date.now()
  const seconds = () => `${Math.round((Date.now() - startedAt) / 1000)} s`
  say(
    `Installing up to ${Object.keys(lock.packages).length - 1} packages into node_modules; this happens once.`,
  )
  const progress = setInterval(() => say(`  still installing after ${seconds()}`), progressMs)
  const { code, output } = await npm(root, [
    'ci',
    '--include=dev',
    '--include=optional',
    '--no-audit',
    '--no-fund',
  ])
  clearInterval(progress)
  if (code !== 0) throw new Error(`npm ci failed after ${seconds()}:\n${output}\n${remedy(output)}`)
  say(`Installed in ${seconds()}.`)
}

/** @param {string} output */
function remedy(output) {
  if (/ENOTFOUND|ECONNREFUSED|ETIMEDOUT|EAI_AGAIN|ECONNRESET/.test(output))
    return 'The package registry cannot be reached. Connect this machine to the network for the first start, then run the command again.'
  if (/ENOSPC/.test(output)) return 'The disk is full: free 1 GB, then run the command again.'
  return 'Put right what npm says above, then run the command again.'
}

/**
 * Runs the npm that runs this process, if there is one, so that no other version is picked up by chance.
 * @param {string} root
 * @param {string[]} args
 * @returns {Promise<{code: number | null, output: string}>}
 */
function npm(root, args) {
  const cli = process.env.npm_execpath?.endsWith('npm-cli.js') ? process.env.npm_execpath : undefined
  const windows = process.platform === 'win32'
  const child = cli
    ? spawn(process.execPath, [cli, ...args], { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] })
    : spawn('npm', args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], shell: windows })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', data => (output += data))
  return new Promise(resolve => {
    child.on('error', error => resolve({ code: 1, output: `npm cannot be started: ${error.message}` }))
    child.on('close', code => resolve({ code, output: output.trim() }))
  })
}

/** @param {string} line */
function say(line) {
  process.stderr.write(`${line}\n`)
}
