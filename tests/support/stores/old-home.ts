import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { promisify } from 'node:util'

const ARCHIVE = 'tests/data/home-0.1/home.tar.gz'

export const ALICE_TOKEN = 'token-of-alice-in-tests'

/** A copy of the data that Lares 0.1.0 wrote. tests/data/home-0.1/README.md describes it. */
export type OldHome = {
  home: string
  config: string
  exportFile: string
  /** The owner's token, from the file `token`. */
  token: string
  remove(): Promise<void>
}

export async function unpackOldHome(): Promise<OldHome> {
  const folder = await mkdtemp(join(tmpdir(), 'lares-old-home-'))
  await promisify(execFile)('tar', ['-xzf', ARCHIVE, '-C', folder])
  const home = join(folder, 'home')
  moveLogToNow(join(home, 'bus.db'))
  return {
    home,
    config: join(folder, 'config'),
    exportFile: join(folder, 'export-2.ndjson'),
    token: (await readFile(join(home, 'token'), 'utf8')).trim(),
    remove: () => rm(folder, { recursive: true, force: true }),
  }
}

/**
 * Moves the times of all records, as though the process was killed a moment ago. The log drops records that are older
 * than 7 days.
 */
function moveLogToNow(file: string): void {
  const database = new DatabaseSync(file)
  const { newest } = database.prepare('SELECT max(timestamp_ms) AS newest FROM records').get() as {
    newest: number
  }
  database.prepare('UPDATE records SET timestamp_ms = timestamp_ms + ?').run(Date.now() - newest)
  database.close()
}
