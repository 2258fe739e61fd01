import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describeDamage, isDamageError } from '../../../shared/base/sqlite/damage.ts'
import type { Environment } from '../../../shared/config/environment.ts'
import { type Finding, ok, problem, runCheck } from './finding.ts'

/** A running gateway holds the embedded log under an exclusive lock, and reports damage to that file itself. */
const EXCLUSIVE_FILE = 'bus.db'
const BUSY_TIMEOUT_MS = 5_000

/** Checks with SQLite's quick_check whether the SQLite files of the data directory are intact. */
export async function checkDatabases(
  { dataDirectory, bus, database, qdrant }: Environment,
  isGatewayRunning: boolean,
): Promise<Finding[]> {
  const names = [
    ...(bus === 'sqlite' && !isGatewayRunning ? [EXCLUSIVE_FILE] : []),
    ...(database === undefined ? ['conversations.db', 'keys.db'] : []),
    ...(qdrant === undefined ? ['vectors.db'] : []),
  ]
  const files = names.map(name => join(dataDirectory, name)).filter(file => existsSync(file))
  const findings = files.map(file => runCheck('database', async () => checkFile(file)))
  return (await Promise.all(findings)).flat()
}

function checkFile(file: string): Finding {
  let database: DatabaseSync | undefined
  try {
    database = new DatabaseSync(file, { readOnly: true, timeout: BUSY_TIMEOUT_MS, allowExtension: true })
    const rows = database.prepare('PRAGMA quick_check(1)').all() as { quick_check: string }[]
    const result = rows[0]?.quick_check ?? 'no answer'
    return result === 'ok' ? ok('database', `${file} is whole`) : damaged(file, result)
  } catch (error) {
    const { message } = error as Error
    return isDamageError(error)
      ? damaged(file, message)
      : problem('database', `${file} cannot be read: ${message}`)
  } finally {
    database?.close()
  }
}

const damaged = (file: string, reason: string): Finding =>
  problem('database', describeDamage(file, reason.replace(/\s+/g, ' ').slice(0, 120)))
