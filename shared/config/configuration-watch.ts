import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Logger } from '../base/log.ts'
import { CONFIG_NAMES } from './files.ts'

const POLL_INTERVAL_MS = 2_000

/** Reports configuration files that have changed: Lares reads its configuration only at the start. */
export type ConfigurationWatch = {
  /** The files that differ from those read at the start. */
  changedFiles(): string[]
  close(): void
}

/**
 * Logs a warning once for each change. The watch reads files again instead of using file events, so that mounted
 * folders work too.
 */
export function watchConfiguration(directory: string, log: Logger): ConfigurationWatch {
  const files = CONFIG_NAMES.map(name => `${name}.yaml`)
  const readAll = () => files.map(file => readOrUndefined(join(directory, file)))
  const atStart = readAll()
  let warned = ''
  const changedFiles = () => {
    const now = readAll()
    return files.filter((_, index) => now[index] !== atStart[index])
  }
  const timer = setInterval(() => {
    const changed = changedFiles().join(', ')
    if (changed !== '' && changed !== warned) log.warn({}, describeChange(changed))
    warned = changed
  }, POLL_INTERVAL_MS).unref()
  return { changedFiles, close: () => clearInterval(timer) }
}

export const describeChange = (file: string): string =>
  `${file} has changed since the start: restart Lares to use it`

function readOrUndefined(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}
