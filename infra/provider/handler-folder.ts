import { createHash } from 'node:crypto'
import { readdir, readFile, stat } from 'node:fs/promises'
import { basename, join, relative, resolve } from 'node:path'
import { LaresError } from '../../shared/base/errors.ts'
import { readStack, type StackFunction } from '../../shared/contract/stack.ts'
import { findHandlerFile } from '../../shared/host/load.ts'
import type { Deployment } from './deployment.ts'

export const HANDLER_ANNOTATION = 'com.lares.handler'

/**
 * The handler's folder in this checkout: what the annotation says; else the handler that stack.yml gives to the image;
 * else the folder of the image's name in `functions/skills/` or `functions/`. Errors: `invalid_request` when there is no handler, or when it is outside.
 */
export async function resolveHandler(deployment: Deployment, root: string): Promise<string> {
  const { name, image, annotations } = deployment
  const path =
    annotations[HANDLER_ANNOTATION] ??
    (await handlerInStack(image, root)) ??
    namedAs(imageBaseName(image), root)
  const folder = resolve(root, path)
  if (relative(root, folder).startsWith('..'))
    throw new LaresError('invalid_request', `${name}: the handler ${path} is outside this checkout`)
  if (findHandlerFile(folder) !== undefined) return folder
  throw new LaresError(
    'invalid_request',
    `${name}: nothing in this checkout makes the image ${image}: there is no handler in ${path}; name its folder in the annotation ${HANDLER_ANNOTATION}`,
  )
}

const namedAs = (name: string, root: string): string => {
  const skill = join('functions', 'skills', name)
  return findHandlerFile(resolve(root, skill)) === undefined ? join('functions', name) : skill
}

/** The last name in an image's path, without tag and digest. */
const imageBaseName = (image: string): string => basename(image.split('@')[0]!).split(':')[0]!

/** By file and the time of its last change: reading it anew would be the slowest part of a wake. */
const stackCache = new Map<string, { changedMs: number; functions: Promise<StackFunction[]> }>()

async function readCachedStack(root: string): Promise<StackFunction[]> {
  const file = join(root, 'stack.yml')
  const changedMs = (await stat(file).catch(() => undefined))?.mtimeMs
  if (changedMs === undefined) return []
  const cached = stackCache.get(file)
  if (cached?.changedMs === changedMs) return await cached.functions
  // A checkout whose stack file is broken for now still has its handlers.
  const functions = readStack(file).catch(() => [])
  stackCache.set(file, { changedMs, functions })
  return await functions
}

/** stack.yml names images with variables in them, so their last names are compared. */
const handlerInStack = async (image: string, root: string): Promise<string | undefined> =>
  (await readCachedStack(root)).find(({ name }) => name === imageBaseName(image))?.handler

/** A digest of what is in the folder. */
export async function folderDigest(folder: string): Promise<string> {
  const hash = createHash('sha256')
  const files = (await readdir(folder, { recursive: true, withFileTypes: true }))
    .filter(entry => entry.isFile() && !entry.name.endsWith('.test.ts'))
    .map(entry => join(entry.parentPath, entry.name))
    .sort()
  for (const file of files) hash.update(relative(folder, file)).update(await readFile(file))
  return hash.digest('hex')
}
