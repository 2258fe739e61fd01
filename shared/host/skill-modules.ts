import { registerHooks } from 'node:module'
import { relative, resolve, sep } from 'node:path'
import { pathToFileURL } from 'node:url'
import { lazy } from '../base/lazy.ts'

/** The checkout that this file belongs to. */
const ROOT = resolve(import.meta.dirname, '..', '..')
const ROOT_URL = pathToFileURL(resolve(ROOT, 'package.json')).href

/** Packages that a handler may import though its own folder has none. */
const SHARED_PACKAGES = ['zod']

/** Whether Node resolves `#lares/*` for a folder by itself, as it does by our package.json. */
export const isInCheckout = (folder: string): boolean => {
  const path = relative(ROOT, resolve(folder))
  return !path.startsWith('..') && !path.split(sep).includes('node_modules') && path !== resolve(folder)
}

/**
 * Lets handlers outside the checkout import `#lares/*` and zod: Node looks for both in a package.json above the importing
 * file, and theirs, if they have one, knows neither. zod is ours for every handler, since a schema is read by the zod that
 * made it. Synchronous hooks cost every later import some microseconds, so nothing is registered before it is needed.
 */
export const provideSkillModules = lazy((): void => {
  registerHooks({
    resolve(specifier, context, next) {
      const isOurs = specifier.startsWith('#lares/') || SHARED_PACKAGES.some(name => isOf(name, specifier))
      return isOurs ? next(specifier, { ...context, parentURL: ROOT_URL }) : next(specifier, context)
    },
  })
})

const isOf = (name: string, specifier: string): boolean =>
  specifier === name || specifier.startsWith(`${name}/`)
