import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'

/** A secret of 192 bits that needs no quoting anywhere. */
export const generateSecret = (): string => randomBytes(24).toString('base64url')

/** Writes the whole file or nothing, readable for its owner alone. It never replaces an existing file. */
export async function writeIfAbsent(file: string, text: string): Promise<void> {
  await writeFile(file, text, { flag: 'wx', mode: 0o600 }).catch(error => {
    if (error.code !== 'EEXIST') throw error
  })
}
