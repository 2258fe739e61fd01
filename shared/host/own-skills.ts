import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { LaresError } from '../base/errors.ts'
import { nameSchema } from '../contract/events/event-types.ts'
import type { StackFunction } from '../contract/stack.ts'
import { findHandlerFile } from './load.ts'

/**
 * The skills in folders of the operator's own (SKILLS_PATH and LARES_HOME/skills): each folder with a handler is one, and
 * needs no entry in stack.yml. A folder whose name is no name of a function, as one that begins with a dot, is left out.
 * Errors: `invalid_config` when a name is used twice.
 */
export async function findOwnSkills(
  folders: readonly string[],
  taken: readonly { name: string; handler: string }[] = [],
): Promise<StackFunction[]> {
  const handlers = new Map(taken.map(({ name, handler }) => [name, handler]))
  const found: StackFunction[] = []
  for (const folder of folders.filter(existsSync))
    for (const name of (await readdir(folder)).sort()) {
      const handler = join(folder, name)
      if (!nameSchema.safeParse(name).success || findHandlerFile(handler) === undefined) continue
      const other = handlers.get(name)
      if (other !== undefined)
        throw new LaresError(
          'invalid_config',
          `the skill "${name}" is in ${other} and in ${handler}: rename or remove one of the two folders`,
        )
      handlers.set(name, handler)
      found.push({ name, handler, topics: [`lares.skill.${name}`] })
    }
  return found
}
