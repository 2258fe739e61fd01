// node bundler/layer.mjs FOLDER: copies what native.mjs names, and all that it needs here, out of node_modules into the folder.
import { cpSync, existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { NATIVE } from './native.mjs'

/** @type {Record<string, {dependencies?: object, optionalDependencies?: object}>} */
const lock = JSON.parse(readFileSync('package-lock.json', 'utf8')).packages
/** @type {Set<string>} */
const taken = new Set()

/**
 * npm's lookup: the nearest node_modules above.
 * @param {string} name
 * @param {string} from
 * @returns {string | undefined}
 */
function pathOf(name, from) {
  const path = from === '' ? `node_modules/${name}` : `${from}/node_modules/${name}`
  if (lock[path]) return path
  return from === ''
    ? undefined
    : pathOf(name, from.slice(0, Math.max(0, from.lastIndexOf('/node_modules/'))))
}

/**
 * @param {string} name
 * @param {string} from
 */
function take(name, from) {
  const path = pathOf(name, from)
  // One that is not installed is made for another platform.
  if (path === undefined || taken.has(path) || !existsSync(path)) return
  taken.add(path)
  const { dependencies = {}, optionalDependencies = {} } = lock[path] ?? {}
  for (const next of Object.keys({ ...dependencies, ...optionalDependencies })) take(next, path)
}

/**
 * onnxruntime-node carries its programs for every platform: 250 MB that nobody here can run.
 * @param {string} file
 */
function isForeign(file) {
  const [, platform, arch] = /\/bin\/napi-v\d+\/([^/]+)(?:\/([^/]+))?/.exec(file) ?? []
  return (platform ?? process.platform) !== process.platform || (arch ?? process.arch) !== process.arch
}

for (const name of NATIVE) take(name, '')
for (const path of [...taken].sort())
  cpSync(path, join(process.argv[2] ?? 'layer', path), {
    recursive: true,
    filter: from => !from.slice(path.length).includes('/node_modules') && !isForeign(from),
  })
