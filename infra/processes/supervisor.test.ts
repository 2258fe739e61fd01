import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'

const SUPERVISOR = join(import.meta.dirname, 'supervisor.ts')
const CHILD = `
const { appendFileSync, writeFileSync } = require('node:fs')
const [, , name, journal] = process.argv
for (const signal of ['SIGINT', 'SIGTERM'])
  process.on(signal, () => setTimeout(() => { appendFileSync(journal, 'end ' + name + '\\n'); process.exit(0) }, 100))
appendFileSync(journal, 'start ' + name + '\\n')
setInterval(() => undefined, 1000)
`
const program = (folder: string) => `
import { startSupervisor } from ${JSON.stringify(SUPERVISOR)}
import { silentLogger } from ${JSON.stringify(join(import.meta.dirname, '../../shared/base/log.ts'))}
import { runProcess } from ${JSON.stringify(join(import.meta.dirname, '../../shared/host/process.ts'))}
await runProcess(async () => {
  const child = name => ({ name, script: '${folder}/child.cjs', args: [name, '${folder}/journal'], environment: {} })
  return startSupervisor(['first', 'second'].map(child), { runFolder: '${folder}', log: silentLogger, sharedEnvironment: {} }).stop
})
`

let folder: string
let supervisor: ChildProcess | undefined
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lares-supervisor-'))
  await writeFile(join(folder, 'child.cjs'), CHILD)
  await writeFile(join(folder, 'main.mjs'), program(folder))
})
afterEach(async () => {
  if (supervisor?.exitCode === null) supervisor.kill('SIGKILL')
  await rm(folder, { recursive: true })
})

const journal = async () =>
  existsSync(join(folder, 'journal'))
    ? (await readFile(join(folder, 'journal'), 'utf8')).trim().split('\n')
    : []

test('Ctrl-C, which a terminal sends to the whole process group, stops all in order and starts none again', async () => {
  supervisor = spawn(process.execPath, [join(folder, 'main.mjs')], { detached: true, stdio: 'ignore' })
  const ended = new Promise(resolve => supervisor!.once('exit', resolve))
  await vi.waitFor(async () => expect(await journal()).toHaveLength(2), { timeout: 20_000 })
  process.kill(-supervisor.pid!, 'SIGINT')
  expect(await ended).toBe(0)
  expect((await journal()).slice(2)).toEqual(['end second', 'end first'])
}, 60_000)
