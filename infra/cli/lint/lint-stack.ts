import { readFile } from 'node:fs/promises'
import { parse } from 'yaml'
import * as z from 'zod'
import { LaresError } from '../../../shared/base/errors.ts'

const textSchema = z.coerce.string()
const textMapSchema = z.record(z.string(), textSchema)

const stackFunctionSchema = z.looseObject({
  image: textSchema.optional(),
  handler: textSchema.optional(),
  namespace: textSchema.optional(),
  labels: textMapSchema.optional(),
  annotations: textMapSchema.optional(),
  constraints: z.array(textSchema).optional(),
  secrets: z.array(textSchema).optional(),
  environment: textMapSchema.optional(),
  limits: textMapSchema.optional(),
  requests: textMapSchema.optional(),
  readonly_root_filesystem: z.boolean().optional(),
})

const stackFileSchema = z.looseObject({ functions: z.record(z.string(), stackFunctionSchema) })

export type StackFunction = z.infer<typeof stackFunctionSchema> & { name: string }

/** Reads a stack file with its variables, as faas-cli does. Errors: `invalid_config`. */
export async function readStackFile(file: string, variables: NodeJS.ProcessEnv): Promise<StackFunction[]> {
  const source = await readFile(file, 'utf8').catch(cause => {
    throw new LaresError('invalid_config', `${file} cannot be read: ${cause.message}`, { cause })
  })
  const result = stackFileSchema.safeParse(parseYaml(file, substituteVariables(source, variables)))
  if (!result.success) throw new LaresError('invalid_config', `${file}: ${z.prettifyError(result.error)}`)
  return Object.entries(result.data.functions).map(([name, one]) => ({ name, ...one }))
}

/** Replaces `${NAME}` and `${NAME:-default}` in the whole file. */
function substituteVariables(source: string, variables: NodeJS.ProcessEnv): string {
  return source.replace(
    /\$\{(\w+)(?::-([^}]*))?\}/g,
    (_, name: string, defaultValue = '') => variables[name] || defaultValue,
  )
}

function parseYaml(file: string, source: string): unknown {
  try {
    return parse(source)
  } catch (cause) {
    throw new LaresError('invalid_config', `${file} is not YAML: ${(cause as Error).message}`, { cause })
  }
}
