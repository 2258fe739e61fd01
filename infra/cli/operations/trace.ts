import type { Environment } from '../../../shared/config/environment.ts'
import { print, printJson } from '../terminal.ts'
import { connectOperations } from './operations.ts'
import { formatTrace } from './trace-view.ts'

/** Prints the trace of a conversation or a message. Errors: `not_found`, and those of `connectToGateway`. */
export async function traceCommand(
  environment: Environment,
  id: string,
  { turns, json }: { turns: number; json?: boolean },
): Promise<number> {
  const operations = await connectOperations(environment)
  const trace = await operations.trace({ id, turns })
  if (json) printJson(trace)
  else for (const line of formatTrace(trace, Date.now())) print(line)
  return 0
}
