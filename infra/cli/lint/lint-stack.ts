import { readFile } from 'node:fs/promises'
import { parse } from 'yaml'
import * as z from 'zod'
import { LaresError } from '../../../shared/base/errors.ts'

const text = z.coerce.string()
const words = z.record(z.string(), text)

const stackFunction = z.looseObject({
  image: text.optional(),
  handler: text.optional(),
  namespace: text.optional(),
  labels: words.optional(),
  annotations: words.optional(),
  constraints: z.array(text).optional(),
  secrets: z.array(text).optional(),
  environment: words.optional(),
  limits: words.optional(),
  requests: words.optional(),
  readonly_root_filesystem: z.boolean().optional(),
})

const stackFile = z.looseObject({ functions: z.record(z.string(), stackFunction) })

export type LintedFunction = z.infer<typeof stackFunction> & { name: string }

/** Reads a stack file as faas-cli does, variables and all. Errors: `invalid_config`. */
export async function readWholeStack(file: string, variables: NodeJS.ProcessEnv): Promise<LintedFunction[]> {
  const source = await readFile(file, 'utf8').catch(cause => {
    throw new LaresError('invalid_config', `${file} cannot be read: ${cause.message}`, { cause })
  })
  const result = stackFile.safeParse(parsed(file, withVariables(source, variables)))
  if (!result.success) throw new LaresError('invalid_config', `${file}: ${z.prettifyError(result.error)}`)
  return Object.entries(result.data.functions).map(([name, one]) => ({ name, ...one }))
}

/** `${NAME}` and `${NAME:-default}` over the whole file. */
function withVariables(source: string, variables: NodeJS.ProcessEnv): string {
  return source.replace(
    /\$\{(\w+)(?::-([^}]*))?\}/g,
    (_, name: string, otherwise = '') => variables[name] || otherwise,
  )
}

function parsed(file: string, source: string): unknown {
  try {
    return parse(source)
  } catch (cause) {
    throw new LaresError('invalid_config', `${file} is not YAML: ${(cause as Error).message}`, { cause })
  }
}
