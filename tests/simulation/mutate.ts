import { registerHooks } from 'node:module'
import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { MUTATIONS, type Mutation } from './mutations.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** The text with the fault in it. Errors: when the place is not there exactly once. */
export function applyMutation(text: string, { name, file, find, replace }: Mutation): string {
  const parts = text.split(find)
  if (parts.length !== 2)
    throw new Error(`the mutation "${name}" finds its place ${parts.length - 1} times in ${file}`)
  return parts.join(replace)
}

/** From now on, the module of the mutation is loaded with the fault in it. Errors: for a name that is none. */
export function installMutation(name: string): Mutation {
  const mutation = MUTATIONS.find(one => one.name === name)
  if (!mutation)
    throw new Error(`there is no mutation "${name}": ${MUTATIONS.map(one => one.name).join(', ')}`)
  registerHooks({
    load(url, context, next) {
      const loaded = next(url, context)
      if (!url.startsWith('file:') || relative(ROOT, fileURLToPath(url)) !== mutation.file) return loaded
      return { ...loaded, source: applyMutation(String(loaded.source), mutation) }
    },
  })
  return mutation
}
