// node bundler/layer.mjs FOLDER: copies the packages that native.mjs names, and all that they need, from node_modules into
// the folder. node layer.mjs FOLDER --without NAME...: copies all packages of production, except those that are named and
// those that only these need.
import { cpSync, existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { NATIVE } from './native.mjs'

/** @typedef {{dependencies?: object, optionalDependencies?: object}} LockEntry */
/** @type {Record<string, LockEntry>} */
const lock = JSON.parse(readFileSync('package-lock.json', 'utf8')).packages
/** Paths of the packages to copy. @type {Set<string>} */
const paths = new Set()

/** @param {LockEntry | undefined} entry */
const dependenciesOf = ({ dependencies = {}, optionalDependencies = {} } = {}) =>
  Object.keys({ ...dependencies, ...optionalDependencies })

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
 * Adds a package and all that it needs.
 * @param {string} name
 * @param {string} from
 */
function add(name, from) {
  const path = pathOf(name, from)
  // A package for another platform is not installed.
  if (path === undefined || paths.has(path) || !existsSync(path)) return
  paths.add(path)
  for (const next of dependenciesOf(lock[path])) add(next, path)
}

/**
 * onnxruntime-node carries its programs for every platform: 250 MB that cannot run here.
 * @param {string} file
 */
function isForeign(file) {
  const [, platform, arch] = /\/bin\/napi-v\d+\/([^/]+)(?:\/([^/]+))?/.exec(file) ?? []
  return (platform ?? process.platform) !== process.platform || (arch ?? process.arch) !== process.arch
}

const [folder = 'layer', option, ...excluded] = process.argv.slice(2)
const names =
  option === '--without' ? dependenciesOf(lock['']).filter(name => !excluded.includes(name)) : NATIVE
for (const name of names) add(name, '')
for (const path of [...paths].sort())
  cpSync(path, join(folder, path), {
    recursive: true,
    filter: from => !from.slice(path.length).includes('/node_modules') && !isForeign(from),
  })
