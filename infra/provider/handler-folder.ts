import { createHash } from 'node:crypto'
import { readdir, readFile, stat } from 'node:fs/promises'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { LaresError } from '../../shared/base/errors.ts'
import { readStack, type StackFunction } from '../../shared/contract/stack.ts'
import { findHandlerFile } from '../../shared/host/load.ts'
import type { Deployment } from './deployment.ts'

export const HANDLER_ANNOTATION = 'com.lares.handler'

export type HandlerFolders = {
  /** The checkout. */
  root: string
  /** Folders with the operator's own skills. */
  skillFolders: readonly string[]
}

/**
 * Finds the handler's folder: the one in the annotation; else the handler that stack.yml gives to the image; else the
 * folder with the image's name. It looks for the latter among the operator's own skills, in `functions/skills/` or in
 * `functions/`. Errors: `invalid_request` when there is no handler, or when it lies where the operator allows none.
 */
export async function resolveHandler(
  deployment: Deployment,
  { root, skillFolders }: HandlerFolders,
): Promise<string> {
  const { name, image, annotations } = deployment
  const path =
    annotations[HANDLER_ANNOTATION] ??
    (await handlerInStack(image, root)) ??
    namedAs(imageBaseName(image), skillFolders, root)
  const folder = resolve(root, path)
  if (![root, ...skillFolders].some(allowed => !relative(allowed, folder).startsWith('..')))
    throw new LaresError(
      'invalid_request',
      `${name}: the handler ${path} is outside this checkout and the folders of SKILLS_PATH: add ${dirname(folder)} to SKILLS_PATH and start the provider again`,
    )
  if (findHandlerFile(folder) !== undefined) return folder
  throw new LaresError(
    'invalid_request',
    `${name}: nothing makes the image ${image} here: there is no handler in ${path}; name its folder in the annotation ${HANDLER_ANNOTATION}, or put the folder ${imageBaseName(image)} into one of SKILLS_PATH or into LARES_HOME/skills`,
  )
}

const namedAs = (name: string, skillFolders: readonly string[], root: string): string => {
  const candidates = [...skillFolders.map(folder => join(folder, name)), join('functions', 'skills', name)]
  const hasHandler = (path: string) => findHandlerFile(resolve(root, path)) !== undefined
  return candidates.find(hasHandler) ?? join('functions', name)
}

/** The last name in an image's path, without tag and digest. */
const imageBaseName = (image: string): string => basename(image.split('@')[0]!).split(':')[0]!

/** Parsed stack files by path and modification time. Parsing the file again would be the slowest part of a wake. */
const stackCache = new Map<string, { changedMs: number; functions: Promise<StackFunction[]> }>()

async function readCachedStack(root: string): Promise<StackFunction[]> {
  const file = join(root, 'stack.yml')
  const changedMs = (await stat(file).catch(() => undefined))?.mtimeMs
  if (changedMs === undefined) return []
  const cached = stackCache.get(file)
  if (cached?.changedMs === changedMs) return await cached.functions
  // A checkout with a broken stack file still has its handlers.
  const functions = readStack(file).catch(() => [])
  stackCache.set(file, { changedMs, functions })
  return await functions
}

/** stack.yml names images with variables in them, so only their last names are compared. */
const handlerInStack = async (image: string, root: string): Promise<string | undefined> =>
  (await readCachedStack(root)).find(({ name }) => name === imageBaseName(image))?.handler

/** A digest of the folder's content. */
export async function folderDigest(folder: string): Promise<string> {
  const hash = createHash('sha256')
  const files = (await readdir(folder, { recursive: true, withFileTypes: true }))
    .filter(entry => entry.isFile() && !entry.name.endsWith('.test.ts'))
    .map(entry => join(entry.parentPath, entry.name))
    .sort()
  for (const file of files) hash.update(relative(folder, file)).update(await readFile(file))
  return hash.digest('hex')
}
