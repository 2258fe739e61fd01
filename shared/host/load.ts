import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { LaresError } from '../base/errors.ts'
import type { AnyFunction } from '../contract/definition.ts'
import { functionFromExport, topicsOf } from '../contract/plugin.ts'
import type { StackFunction } from '../contract/stack.ts'
import { loadError } from './load-error.ts'
import { isInCheckout, provideSkillModules } from './skill-modules.ts'

/** A folder with this file is a skill without code. */
const SKILL_FILE = 'SKILL.md'
/** The loader uses the first existing file: the source in a checkout, the bundle in an image, a written skill. */
const HANDLER_FILES = ['handler.ts', 'handler.js', 'handler.mjs', SKILL_FILE]

/** The handler's file; undefined if the folder has none. */
export const findHandlerFile = (folder: string): string | undefined =>
  HANDLER_FILES.map(name => join(folder, name)).find(existsSync)

/**
 * Loads the function whose handler file is in this folder; a relative path starts at the working directory. Errors:
 * `invalid_config`, which names the file and the mistake in it.
 */
export async function loadFunction(handlerFolder: string): Promise<AnyFunction> {
  const file = findHandlerFile(handlerFolder)
  if (!file)
    throw new LaresError(
      'invalid_config',
      `there is no handler in ${handlerFolder}: write ${HANDLER_FILES[0]} or ${SKILL_FILE}, or put right "handler" in stack.yml`,
    )
  if (file.endsWith(SKILL_FILE)) {
    // Loaded only here, so that other functions save the memory of its YAML parser.
    const { skillFromMarkdown } = await import('../contract/skill/written-skill.ts')
    return checkFolderName(skillFromMarkdown(await readFile(file, 'utf8'), file), file)
  }
  if (!isInCheckout(handlerFolder)) provideSkillModules()
  const { default: exported } = await importHandler(file)
  return functionFromExport(exported, file)
}

/** The Agent Skills specification demands it: "must match the parent directory name". */
function checkFolderName(definition: AnyFunction, file: string): AnyFunction {
  const folder = basename(dirname(resolve(file)))
  if (definition.name === folder) return definition
  throw new LaresError(
    'invalid_config',
    `${file} has the name "${definition.name}" and lies in the folder "${folder}": give both the same name`,
  )
}

/**
 * Loads a function of stack.yml, or of a folder of skills. Errors: `invalid_config`, also if the handler has another
 * name or other topics: the connector would otherwise refuse its events one by one.
 */
export async function loadStackFunction({ name, handler, topics }: StackFunction): Promise<AnyFunction> {
  const definition = await loadFunction(handler)
  const file = findHandlerFile(handler)
  if (definition.name !== name)
    throw new LaresError(
      'invalid_config',
      `${file} defines "${definition.name}", but its entry or folder is called "${name}": give both the same name`,
    )
  const received = topicsOf(definition)
  const unknown = topics.find(topic => !received.includes(topic))
  if (unknown !== undefined)
    throw new LaresError(
      'invalid_config',
      `stack.yml gives "${name}" the topic ${unknown}, but ${file} takes ${received.join(', ')}: put right its annotation "topic"`,
    )
  return definition
}

async function importHandler(file: string): Promise<{ default?: unknown }> {
  try {
    return await import(pathToFileURL(file).href)
  } catch (cause) {
    throw await loadError(file, cause)
  }
}
