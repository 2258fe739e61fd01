import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'

/** 192 bits that need no quoting anywhere. */
export const generateSecret = (): string => randomBytes(24).toString('base64url')

/** Written whole or not at all, readable for its owner alone, and never over what is there. */
export async function writeIfAbsent(file: string, text: string): Promise<void> {
  await writeFile(file, text, { flag: 'wx', mode: 0o600 }).catch(error => {
    if (error.code !== 'EEXIST') throw error
  })
}
