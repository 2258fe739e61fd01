import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'

const LOADED = `await import('./shared/host/host.ts')
console.log(process.moduleLoadList.filter(name => name.includes('undici')).join())`

it("a function's process does not load Node's fetch", async () => {
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', LOADED])
  expect(stdout.trim()).toBe('')
})
