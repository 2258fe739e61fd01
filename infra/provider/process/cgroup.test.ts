import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { openCgroups } from './cgroup.ts'

/**
 * A folder in place of the kernel's files. The tests check the writes to it, so they need no rights from the kernel.
 */
async function mount(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'lares-cgroup-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  return folder
}

test('limits are written into a group of the replica’s own before its process enters it', async () => {
  const folder = await mount()
  writeFileSync(join(folder, 'cgroup.controllers'), 'cpu memory')
  mkdirSync(join(folder, 'service'))
  const cgroups = openCgroups(folder, '/service')
  if (typeof cgroups === 'string') throw new Error(cgroups)
  const read = (...path: string[]) => readFileSync(join(folder, 'service', ...path), 'utf8')
  expect(read('lares-provider', 'cgroup.procs')).toBe(String(process.pid))
  expect(read('cgroup.subtree_control')).toBe('+memory +cpu')
  cgroups.limitProcess('intent-1', 4711, { memoryBytes: 256 * 2 ** 20, cpus: 0.5 })
  expect(read('lares-intent-1', 'memory.max')).toBe('268435456')
  expect(read('lares-intent-1', 'cpu.max')).toBe('50000 100000')
  expect(read('lares-intent-1', 'cgroup.procs')).toBe('4711')
})

test('where it cannot be done, the reason is given', async () => {
  expect(openCgroups(await mount(), '/')).toBe('this system has no cgroup v2')
  const folder = await mount()
  writeFileSync(join(folder, 'cgroup.controllers'), 'cpu memory')
  writeFileSync(join(folder, 'locked'), '')
  expect(openCgroups(folder, '/locked')).toMatch(/may not be written .*Delegate=yes/)
})
