import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

/**
 * The encodings in which programs may store a word: text, UTF-16, hexadecimal, and base64 at each of its alignments.
 */
function encodingsOf(word: string): string[] {
  const bytes = Buffer.from(word)
  const base64 = [0, 1, 2].map(shift => {
    const text = Buffer.concat([Buffer.alloc(shift), bytes]).toString('base64')
    // The first and last digits depend on the bytes beside the word.
    return text.slice(Math.ceil((shift * 8) / 6), -4)
  })
  return [
    bytes.toString('latin1'),
    bytes.toString('hex'),
    ...base64,
    Buffer.from(word, 'utf16le').toString('latin1'),
  ]
}

export type PlantedMatch = { file: string; bytes: number }

/** Finds the words in files below a folder, in any case, and counts their bytes. */
export async function findPlantedWords(words: string[], folder: string): Promise<PlantedMatch[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const forms = words.flatMap(word => encodingsOf(word).map(form => form.toLowerCase()))
  const found: PlantedMatch[] = []
  for (const entry of entries.filter(entry => entry.isFile())) {
    const path = join(entry.parentPath, entry.name)
    const content = (await readFile(path)).toString('latin1').toLowerCase()
    const bytes = forms.reduce((sum, form) => sum + (content.split(form).length - 1) * form.length, 0)
    if (bytes > 0) found.push({ file: path.slice(folder.length + 1), bytes })
  }
  return found
}

export const totalBytes = (found: PlantedMatch[]): number => found.reduce((sum, { bytes }) => sum + bytes, 0)

/** Vacuums the databases, as SQLite does when it compacts a file. */
export async function vacuumDatabases(folder: string): Promise<void> {
  for (const name of (await readdir(folder)).filter(name => name.endsWith('.db'))) {
    const database = new DatabaseSync(join(folder, name))
    database.exec('PRAGMA wal_checkpoint(TRUNCATE); VACUUM; PRAGMA wal_checkpoint(TRUNCATE)')
    database.close()
  }
}
