import { type LaresError, toLaresError } from '../../shared/base/errors.ts'
import type { Logger } from '../../shared/base/log.ts'
import { createInvocable, type Invocable } from '../../shared/contract/invoke.ts'
import { type FunctionSource, readStack, type StackFunction } from '../../shared/contract/stack.ts'
import type { Drivers } from '../../shared/host/drivers.ts'
import { loadStackFunction } from '../../shared/host/load.ts'
import { findOwnSkills } from '../../shared/host/own-skills.ts'
import { meteredFunction } from '../../shared/observability/metered-function.ts'
import { inlineInvoker } from '../connector/invokers/inline-invoker.ts'
import type { Invoker } from '../connector/invokers/invoker.ts'
import { forDevelopment } from './development.ts'

export type InlineFunctionsOptions = {
  stackFile: string
  /** Folders with the operator's own skills. */
  skillFolders: readonly string[]
  /** The author gets each failure with its stack. */
  isDevelopment: boolean
  drivers: Pick<Drivers, 'services' | 'objects' | 'metrics'>
  log: Logger
}

export type InlineFunctions = { invoker: Invoker; source: FunctionSource; stop(): Promise<void> }

/**
 * The functions of stack.yml and the operator's own skills, called in this process. A function of stack.yml that does
 * not load fails the start. An own skill that does not load is reported and left out, and the others continue (promise
 * P5). The next refresh picks up skills that are added or removed.
 */
export async function openInlineFunctions(options: InlineFunctionsOptions): Promise<InlineFunctions> {
  const { stackFile, log } = options
  const functions = new Map<string, Invocable>()
  const own = openOwnSkills(options, functions)
  for (const entry of await readStack(stackFile))
    functions.set(entry.name, await startFunction(entry, options))
  await own.refresh(await readStack(stackFile))
  return {
    invoker: inlineInvoker(functions),
    async source() {
      const stack = await readStack(stackFile)
      return [...stack, ...(await own.refresh(stack))]
    },
    async stop() {
      for (const one of functions.values())
        await one
          .stop()
          .catch(error => log.warn({ err: error }, `${one.manifest.name} did not stop in order`))
    },
  }
}

async function startFunction(
  entry: StackFunction,
  { drivers, log, isDevelopment }: InlineFunctionsOptions,
): Promise<Invocable> {
  const definition = await loadStackFunction(entry)
  const services = await drivers.services(definition.uses ?? [])
  const invocable = createInvocable(definition, { services, objects: await drivers.objects(), log })
  const metered = meteredFunction(invocable, drivers.metrics)
  const started = isDevelopment ? forDevelopment(metered, log) : metered
  await started.start()
  return started
}

/** Keeps `functions` equal to the skills in the own folders. */
function openOwnSkills(options: InlineFunctionsOptions, functions: Map<string, Invocable>) {
  const { skillFolders, log } = options
  const running = new Map<string, StackFunction>()
  const reported = new Map<string, string>()

  /** Reports each problem once: the folders are read every two seconds. */
  const report = (subject: string, error: LaresError) => {
    if (reported.get(subject) !== error.message) log.error({ code: error.code }, error.message)
    reported.set(subject, error.message)
  }
  const add = async (skill: StackFunction) => {
    try {
      functions.set(skill.name, await startFunction(skill, options))
      running.set(skill.name, skill)
      reported.delete(skill.name)
      log.info({ folder: skill.handler }, `the skill ${skill.name} is there`)
    } catch (error) {
      report(skill.name, toLaresError(error))
    }
  }
  const remove = async (name: string) => {
    running.delete(name)
    const invocable = functions.get(name)
    functions.delete(name)
    await invocable?.stop()
    log.info({}, `the skill ${name} is removed`)
  }
  return {
    async refresh(stack: readonly StackFunction[]): Promise<StackFunction[]> {
      try {
        const found = await findOwnSkills(skillFolders, stack, report)
        for (const name of running.keys()) if (!found.some(skill => skill.name === name)) await remove(name)
        for (const skill of found) if (!running.has(skill.name)) await add(skill)
      } catch (error) {
        report('folders', toLaresError(error))
      }
      return [...running.values()]
    },
  }
}
