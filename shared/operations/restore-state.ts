import * as z from 'zod'
import { LaresError } from '../base/errors.ts'
import type { Records } from '../store/store.ts'

/** Where the store keeps how far a restore of a backup has come. */
export const RESTORE_RECORD = { collection: 'operations', id: 'restore', person: '' }

const restoreStateSchema = z.object({
  /** The salt of the backup, which names it. */
  backup: z.string(),
  state: z.enum(['running', 'done']),
})
export type RestoreState = z.infer<typeof restoreStateSchema>

/** Undefined in a deployment that no backup was restored into. */
export async function readRestoreState(records: Pick<Records, 'get'>): Promise<RestoreState | undefined> {
  const record = await records.get(RESTORE_RECORD)
  return record && restoreStateSchema.parse(record.body)
}

/** Errors: `invalid_config` where a restore was stopped before its end: messages of the backup would be missing. */
export async function requireNoUnfinishedRestore(records: Pick<Records, 'get'>): Promise<void> {
  if ((await readRestoreState(records))?.state !== 'running') return
  throw new LaresError(
    'invalid_config',
    'a backup is restored only in part here: run "lares restore" with the same file again, then start',
  )
}
