import { LaresError } from './errors.ts'

/** The text with which Node names a package that an import or a require does not find. */
const MISSING_PACKAGE = /^Cannot find (?:package|module) '((?:@[\w.-]+\/)?[\w.-]+)/

/**
 * Loads a driver, or the library of a driver, whose package is an optional dependency. `npm install --omit=optional`
 * and some images leave such packages out. Errors: `invalid_config` when the package is missing; it names the package
 * and the command that installs it.
 */
export async function loadOptional<T>(load: () => T | Promise<T>): Promise<T> {
  try {
    return await load()
  } catch (cause) {
    const name = missingPackage(cause)
    if (name === undefined) throw cause
    throw new LaresError(
      'invalid_config',
      `the package ${name} is not installed, and what is configured needs it; run: npm ci --include=optional`,
      { cause },
    )
  }
}

function missingPackage(cause: unknown): string | undefined {
  const { code, message = '' } = cause as { code?: string; message?: string }
  const isMissing = code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND'
  return isMissing ? MISSING_PACKAGE.exec(message)?.[1] : undefined
}
