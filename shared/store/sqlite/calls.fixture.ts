import { DatabaseSync } from 'node:sqlite'
import type { CallsPerHour } from '../store.suite.ts'

export function callsIn(file: string): CallsPerHour[] {
  const database = new DatabaseSync(file, { readOnly: true })
  const rows = database.prepare('SELECT * FROM model_calls_per_hour ORDER BY hour, model').all()
  database.close()
  return rows.map(row => ({ ...row })) as CallsPerHour[]
}
