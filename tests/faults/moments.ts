import { readFileSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'

export const FAULT_POINTS = [
  'before handling',
  'during',
  'after handling before produce',
  'after produce before commit',
  'during a rebalance',
  'while starting',
] as const
export type FaultPoint = (typeof FAULT_POINTS)[number]

const { LARES_FAULTS_FOLDER = '', LARES_FAULTS_URL = '', LARES_FAULTS_NAME = '' } = process.env

/** The name of this process in the fleet. */
export const PROCESS_NAME = LARES_FAULTS_NAME

/** True once after the table has armed this process for the moment. A look costs one failed open of a file. */
function isArmed(moment: FaultPoint): boolean {
  const file = join(LARES_FAULTS_FOLDER, `${PROCESS_NAME}.armed`)
  try {
    if (readFileSync(file, 'utf8') !== moment) return false
    unlinkSync(file)
    return true
  } catch {
    return false
  }
}

/**
 * Marks a moment. When the table waits for it, the process stops here until the table has sent its signal, so the
 * signal meets it exactly here. Returns undefined at once when nobody waits, for callers that must not lose a turn.
 */
export function reachFaultPoint(moment: FaultPoint): Promise<void> | undefined {
  if (!isArmed(moment)) return undefined
  const body = JSON.stringify({ name: PROCESS_NAME, moment })
  return fetch(LARES_FAULTS_URL, { method: 'POST', body }).then(
    () => undefined,
    () => undefined,
  )
}
