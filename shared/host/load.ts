import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { LaresError } from '../base/errors.ts'
import type { AnyFunction } from '../contract/definition.ts'
import { functionFromExport } from '../contract/plugin.ts'

/** The file that makes a folder a skill without code. */
const SKILL_FILE = 'SKILL.md'
/** The first that is there is taken: the source in a checkout, the bundle in an image, a skill that is only written down. */
const HANDLER_FILES = ['handler.ts', 'handler.js', 'handler.mjs', SKILL_FILE]

/** The handler's file; undefined when the folder has none. */
export const findHandlerFile = (folder: string): string | undefined =>
  HANDLER_FILES.map(name => join(folder, name)).find(existsSync)

/**
 * Loads the function whose handler file is in this folder; a relative path is one of the working directory.
 * Errors: `invalid_config`, naming the file and what is wrong with it.
 */
export async function loadFunction(handlerFolder: string): Promise<AnyFunction> {
  const file = findHandlerFile(handlerFolder)
  if (!file)
    throw new LaresError(
      'invalid_config',
      `there is no handler in ${handlerFolder}: write ${HANDLER_FILES[0]} or ${SKILL_FILE}, or put right "handler" in stack.yml`,
    )
  if (file.endsWith(SKILL_FILE)) {
    // Loaded only here: its YAML parser is memory that other functions save.
    const { skillFromMarkdown } = await import('../contract/written-skill.ts')
    return skillFromMarkdown(await readFile(file, 'utf8'), file)
  }
  const { default: exported } = await importHandler(file)
  return functionFromExport(exported, file)
}

async function importHandler(file: string): Promise<{ default?: unknown }> {
  try {
    return await import(pathToFileURL(file).href)
  } catch (cause) {
    throw new LaresError('invalid_config', `${file} cannot be loaded: ${(cause as Error).message}`, { cause })
  }
}
