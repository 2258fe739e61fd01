import { DatabaseSync } from 'node:sqlite'
import type { ModelCallsPerHour } from '../store.suite.ts'

export function readModelCalls(file: string): ModelCallsPerHour[] {
  const database = new DatabaseSync(file, { readOnly: true })
  const rows = database.prepare('SELECT * FROM model_calls_per_hour ORDER BY hour, model').all()
  database.close()
  return rows.map(row => ({ ...row })) as ModelCallsPerHour[]
}
