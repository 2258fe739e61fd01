import { registerHooks } from 'node:module'
import { fileURLToPath } from 'node:url'
import type { FaultName } from './faults.ts'

/** A function of the product, by its module and name, and its replacement. */
export type Wrapper = {
  /** The module's URL. */
  url: string
  name: string
  wrap(original: unknown): unknown
}

/** A bug that is put into the product: its name, the promise that it breaks, and the functions that it changes. */
export type Mutation = {
  name: string
  promise: 'P1' | 'P2' | 'P3' | 'P4' | 'Privacy' | 'Address'
  wrappers: readonly Wrapper[]
  /** The kinds of faults that reveal it soonest; all kinds, if it names none. */
  faults?: readonly FaultName[]
}

/**
 * Wraps an exported function. `load` is never called: its text has the module's path, and `select` names the function,
 * so that the compiler checks both, and a rename or a move of either follows here.
 */
export function wrapExport<Module, Fn>(
  load: () => Promise<Module>,
  select: (module: Module) => Fn,
  wrap: (original: Fn) => Fn,
): Wrapper {
  return { url: urlIn(load), name: selectedName(select), wrap: original => wrap(original as Fn) }
}

// biome-ignore lint/suspicious/noExplicitAny: the compiler knows nothing of a function that is not exported
type AnyFn = (...args: any[]) => any

/** Wraps a function that its module declares at its top level and does not export. */
export function wrapLocal(
  load: () => Promise<unknown>,
  name: string,
  wrap: (original: AnyFn) => AnyFn,
): Wrapper {
  return { url: urlIn(load), name, wrap: original => wrap(original as AnyFn) }
}

/** The URL in an `import()`. Vitest writes another call in its place, with a path from the repository's root. */
function urlIn(load: () => Promise<unknown>): string {
  const [, specifier] = /import(?:__)?\(\s*['"](.+?)['"]/.exec(String(load)) ?? []
  if (!specifier) throw new Error(`no import() in ${load}`)
  return new URL(specifier.startsWith('/') ? `../..${specifier}` : specifier, import.meta.url).href
}

function selectedName<Module>(select: (module: Module) => unknown): string {
  let name = ''
  const recorder = new Proxy(
    {},
    {
      get(_target, key) {
        name = String(key)
      },
    },
  )
  select(recorder as Module)
  return name
}

const REGISTRY = Symbol.for('lares.simulation.mutation')

/** The module's text with the wrapper in it. Errors: when the module does not declare the function at its top level. */
export function applyMutation(text: string, { url, name }: Wrapper): string {
  const declaration = new RegExp(`^(export )?((async )?function\\*? ${name}\\b|const ${name}\\b)`, 'gm')
  const found = text.match(declaration) ?? []
  if (found.length !== 1) {
    const known = [...text.matchAll(/^(?:export )?(?:(?:async )?function\*?|const) (\w+)/gm)].map(
      ([, one]) => one,
    )
    throw new Error(`${fileURLToPath(url)} declares no "${name}" at its top level, but: ${known.join(', ')}`)
  }
  // A declared function may be assigned to; a constant may not.
  const open = text.replace(declaration, one => one.replace('const ', 'let '))
  return `${open}\n;${name} = globalThis[Symbol.for('${Symbol.keyFor(REGISTRY)}')]('${name}', ${name})\n`
}

/** From now on the modules that the mutation names load with it. None of them may be loaded already. */
export function installMutation({ wrappers }: Mutation): void {
  Object.assign(globalThis, {
    [REGISTRY]: (name: string, original: unknown) => wrappers.find(one => one.name === name)!.wrap(original),
  })
  registerHooks({
    load(url, context, next) {
      const loaded = next(url, context)
      const wrapper = wrappers.find(one => one.url === url)
      return wrapper ? { ...loaded, source: applyMutation(String(loaded.source), wrapper) } : loaded
    },
  })
}

export function mutationNamed(mutations: readonly Mutation[], name: string): Mutation {
  const mutation = mutations.find(one => one.name === name)
  if (mutation) return mutation
  throw new Error(`there is no mutation "${name}": ${mutations.map(one => one.name).join(', ')}`)
}
