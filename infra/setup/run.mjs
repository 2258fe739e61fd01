// node infra/setup/run.mjs FILE [ARGUMENTS]: sets up the checkout, then runs FILE on Node 24.
// Plain JavaScript without dependencies, because it must run on Node 20 before anything is installed.
import { spawn } from 'node:child_process'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { install } from './install.mjs'
import { findNode } from './node.mjs'

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..')

/**
 * Node strips types once and keeps the compiled code, which halves the start and saves memory.
 * @param {string} node
 */
function environment(node) {
  const folders = [dirname(node), join(root, 'node_modules', '.bin'), process.env.PATH]
  return {
    NODE_COMPILE_CACHE: join(root, 'node_modules', '.cache', 'compile'),
    ...process.env,
    PATH: folders.join(delimiter),
  }
}

/**
 * Replaces this process by the program, so that no parent stays in memory or stands between the program and its
 * signals. Only Node 22.15 and later can do this; npm scripts find such a Node first once node_modules/.bin/node
 * exists.
 * @param {string} node
 * @param {string[]} args
 */
function become(node, args) {
  // Otherwise Node warns that execve is experimental, which does not help the user.
  process.emitWarning = () => undefined
  process.execve?.(node, [node, ...args], environment(node))
}

/**
 * @param {string} node
 * @param {string[]} args
 */
function runBelow(node, args) {
  const child = spawn(node, args, { stdio: 'inherit', env: environment(node) })
  child.on('error', error =>
    fail(`${node} cannot be started: ${error.message}. Install Node 24 from nodejs.org.`),
  )
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
    process.on(signal, () => {
      // A terminal sends Ctrl-C to both processes: forwarding it would send it twice.
      if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal)
    })
  }
  child.on('exit', (code, signal) => {
    if (!signal) process.exit(code ?? 1)
    process.removeAllListeners(signal)
    process.kill(process.pid, signal)
  })
}

/** @param {string} message */
function fail(message) {
  process.stderr.write(`${message}\n`)
  process.exit(1)
}

async function main() {
  const args = process.argv.slice(2)
  if (args.length === 0) throw new Error('usage: node infra/setup/run.mjs FILE [ARGUMENTS]')
  await install(root)
  const node = findNode(root)
  const program = ['--disable-warning=ExperimentalWarning', ...args]
  if (typeof process.execve === 'function' && process.platform !== 'win32') become(node, program)
  else runBelow(node, program)
}

main().catch(error => fail(error.message))
