import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { checkExposure, isLoopback, loadOwnerToken } from './owner-token.ts'

let home: string
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'lares-token-'))
})
afterEach(() => rm(home, { recursive: true, force: true }))

describe('the owner’s token', () => {
  it('is the given one, and then none is stored', async () => {
    expect(await loadOwnerToken(home, 'a-token-that-was-given')).toBe('a-token-that-was-given')
    await expect(stat(join(home, 'token'))).rejects.toThrow()
  })

  it('is made once, for its user alone, and stays the same', async () => {
    const folder = join(home, 'new')
    const token = await loadOwnerToken(folder)
    expect(token).toMatch(/^[\w-]{43}$/)
    expect(await loadOwnerToken(folder)).toBe(token)
    expect((await stat(join(folder, 'token'))).mode & 0o777).toBe(0o600)
    expect(await readFile(join(folder, 'token'), 'utf8')).toBe(`${token}\n`)
  })

  it('that is no token is refused with the remedy', async () => {
    await writeFile(join(home, 'token'), 'short\n')
    await expect(loadOwnerToken(home)).rejects.toThrow(/delete the file/)
  })
})

describe('the host', () => {
  it.each(['127.0.0.1', '127.1.2.3', 'localhost', '::1'])('%s is this machine', host => {
    expect(isLoopback(host)).toBe(true)
    expect(() => checkExposure(host, false)).not.toThrow()
  })

  it.each(['0.0.0.0', '::', '192.168.1.2', '127.evil.example', 'lares.example'])(
    '%s needs a token that somebody chose',
    host => {
      expect(() => checkExposure(host, false)).toThrow(/LARES_TOKEN/)
      expect(() => checkExposure(host, true)).not.toThrow()
    },
  )
})
