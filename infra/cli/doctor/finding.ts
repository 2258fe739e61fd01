import { toLaresError } from '../../../shared/base/errors.ts'

export type Finding = {
  what: string
  level: 'ok' | 'warning' | 'problem'
  /** The state that the check found, and the remedy for a problem. */
  message: string
}

export const ok = (what: string, message: string): Finding => ({ what, level: 'ok', message })
export const warning = (what: string, message: string): Finding => ({ what, level: 'warning', message })
export const problem = (what: string, message: string): Finding => ({ what, level: 'problem', message })

/** Runs a check. An error that the check throws is a problem; errors of Lares name their remedies. */
export async function runCheck(what: string, check: () => Promise<Finding | Finding[]>): Promise<Finding[]> {
  try {
    return [await check()].flat()
  } catch (error) {
    return [problem(what, toLaresError(error).message)]
  }
}
