import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { LaresError } from '../base/errors.ts'
import { nameSchema } from '../contract/events/event-types.ts'
import type { StackFunction } from '../contract/stack.ts'
import { findHandlerFile } from './load.ts'

/**
 * The operator's own skills, in the folders of SKILLS_PATH and in LARES_HOME/skills. Each folder with a handler is a
 * skill, and needs no entry in stack.yml. A folder whose name is not valid for a function, such as one that begins with
 * a dot, is left out. A folder whose name is taken is left out too, and `onConflict` gets the error; by default it is
 * thrown. Errors: `invalid_config`.
 */
export async function findOwnSkills(
  folders: readonly string[],
  taken: readonly { name: string; handler: string }[] = [],
  onConflict: (name: string, error: LaresError) => void = throwConflict,
): Promise<StackFunction[]> {
  const handlers = new Map(taken.map(({ name, handler }) => [name, handler]))
  const found: StackFunction[] = []
  for (const folder of folders.filter(existsSync))
    for (const name of (await readdir(folder)).sort()) {
      const handler = join(folder, name)
      if (!nameSchema.safeParse(name).success || findHandlerFile(handler) === undefined) continue
      const other = handlers.get(name)
      if (other !== undefined) {
        onConflict(name, conflictError(name, other, handler))
        continue
      }
      handlers.set(name, handler)
      found.push({ name, handler, topics: [`lares.skill.${name}`] })
    }
  return found
}

const conflictError = (name: string, other: string, handler: string) =>
  new LaresError(
    'invalid_config',
    `the skill "${name}" is in ${other} and in ${handler}: rename or remove one of the two folders`,
  )

function throwConflict(_name: string, error: LaresError): never {
  throw error
}
