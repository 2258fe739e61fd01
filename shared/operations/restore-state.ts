import * as z from 'zod'
import { LaresError } from '../base/errors.ts'
import type { Records } from '../store/store.ts'

/** The record in the store that holds the progress of a restore. */
export const RESTORE_RECORD = { collection: 'operations', id: 'restore', person: '' }

const restoreStateSchema = z.object({
  /** The salt of the backup, which identifies it. */
  backup: z.string(),
  state: z.enum(['running', 'done']),
})
export type RestoreState = z.infer<typeof restoreStateSchema>

/** Undefined in a deployment without a restored backup. */
export async function readRestoreState(records: Pick<Records, 'get'>): Promise<RestoreState | undefined> {
  const record = await records.get(RESTORE_RECORD)
  return record && restoreStateSchema.parse(record.body)
}

/** Errors: `invalid_config` after an interrupted restore: messages of the backup would be missing. */
export async function requireNoUnfinishedRestore(records: Pick<Records, 'get'>): Promise<void> {
  if ((await readRestoreState(records))?.state !== 'running') return
  throw new LaresError(
    'invalid_config',
    'a backup is restored only in part here: run "lares restore" with the same file again, then start',
  )
}
