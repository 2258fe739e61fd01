import { mkdtemp, readdir, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { silentLogger } from '../../base/log.ts'
import { ensureModelFile } from './model-file.ts'

const name = 'SmolLM2-135M-Instruct.Q4_1.gguf'

test('takes the model that is there, without python or network', async () => {
  const cacheDir = await emptyFolder()
  emptyPath()
  await writeFile(join(cacheDir, name), '')
  await truncate(join(cacheDir, name), 98_362_432)
  expect(await ensureModelFile({ cacheDir, log: silentLogger })).toBe(join(cacheDir, name))
})

test('names each remedy when it cannot be fetched, and leaves nothing behind', async () => {
  const cacheDir = await emptyFolder()
  emptyPath()
  const error = await ensureModelFile({ cacheDir, log: silentLogger }).catch(error => error)
  expect(error).toMatchObject({ code: 'unavailable', retryable: false })
  for (const remedy of ['python3 with pip', 'OPENAI_BASE_URL', join(cacheDir, name)])
    expect(error.message).toContain(remedy)
  expect(await readdir(cacheDir)).toEqual([])
})

test('does not take a part of a file for the model', async () => {
  const cacheDir = await emptyFolder()
  emptyPath()
  await writeFile(join(cacheDir, name), 'GGUF')
  await expect(ensureModelFile({ cacheDir, log: silentLogger })).rejects.toMatchObject({
    code: 'unavailable',
  })
})

function emptyPath(): void {
  vi.stubEnv('PATH', '/nowhere')
  onTestFinished(() => void vi.unstubAllEnvs())
}

async function emptyFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'lares-model-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  return folder
}
