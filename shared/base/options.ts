import { type ParseArgsConfig, parseArgs } from 'node:util'
import { LaresError } from './errors.ts'

/**
 * Reads the options of a program; `--help` prints the usage and ends it. Errors: `invalid_request`, with the usage, for
 * an option that the program does not have.
 */
export function readOptions<T extends NonNullable<ParseArgsConfig['options']>>(usage: string, options: T) {
  if (process.argv.includes('--help')) {
    process.stdout.write(`usage: ${usage}\n`)
    process.exit(0)
  }
  try {
    return parseArgs({ options }).values
  } catch (cause) {
    throw new LaresError('invalid_request', `${firstSentence(cause)}; usage: ${usage}`, { cause })
  }
}

const firstSentence = (error: unknown): string => (error as Error).message.split('. ')[0]!
