import { readFile } from 'node:fs/promises'
import { parse } from 'yaml'
import * as z from 'zod'
import { LaresError } from '../base/errors.ts'
import { nameSchema } from './events/event-types.ts'

/** A deployed function as the connector needs it. */
export type DeployedFunction = { name: string; topics: string[] }

/** Tells the connector which functions are deployed. It may fail; the connector then keeps its last good list. */
export type FunctionSource = () => Promise<DeployedFunction[]>

const stackFileSchema = z.looseObject({
  functions: z.record(
    nameSchema,
    z.looseObject({ handler: z.string(), annotations: z.record(z.string(), z.coerce.string()).optional() }),
  ),
})

export type StackFunction = DeployedFunction & {
  /** The folder or file of its handler, as stack.yml names it. */
  handler: string
}

/**
 * Reads stack.yml: each function with the topics of its `topic` annotation (comma separated). Errors: `invalid_config`.
 */
export async function readStack(file: string): Promise<StackFunction[]> {
  const text = await readFile(file, 'utf8').catch(cause => {
    throw new LaresError('invalid_config', `${file} cannot be read: ${cause.message}`, { cause })
  })
  const result = stackFileSchema.safeParse(parseYaml(file, text))
  if (!result.success) throw new LaresError('invalid_config', `${file}: ${z.prettifyError(result.error)}`)
  return Object.entries(result.data.functions).map(([name, { handler, annotations }]) => ({
    name,
    handler,
    topics: parseTopics(annotations?.topic),
  }))
}

/** The topics of a `topic` annotation; commas separate them. */
export const parseTopics = (annotation = ''): string[] =>
  annotation
    .split(',')
    .map(topic => topic.trim())
    .filter(topic => topic !== '')

function parseYaml(file: string, text: string): unknown {
  try {
    return parse(text)
  } catch (cause) {
    throw new LaresError('invalid_config', `${file} is not YAML: ${(cause as Error).message}`, { cause })
  }
}
