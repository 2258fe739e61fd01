import { registerHooks } from 'node:module'
import { relative, resolve, sep } from 'node:path'
import { pathToFileURL } from 'node:url'
import { lazy } from '../base/concurrency/lazy.ts'

/** The checkout that this file belongs to. */
const ROOT = resolve(import.meta.dirname, '..', '..')
const ROOT_URL = pathToFileURL(resolve(ROOT, 'package.json')).href

/** Packages that a handler may import even if its own folder does not have them. */
const SHARED_PACKAGES = ['zod']

/** Whether Node itself resolves `#lares/*` for a folder, through our package.json. */
export const isInCheckout = (folder: string): boolean => {
  const path = relative(ROOT, resolve(folder))
  return !path.startsWith('..') && !path.split(sep).includes('node_modules') && path !== resolve(folder)
}

/**
 * Lets handlers outside the checkout import `#lares/*` and zod. Node looks for both in a package.json above the
 * importing file; the handler's own, if there is one, has neither. Every handler gets our zod, since only the zod that
 * made a schema can read it. Synchronous hooks cost every later import some microseconds, so they are registered only
 * when needed.
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
