import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { meets, readPipeline } from './pipeline.ts'
import { rooms } from './processes.ts'

const define = pathToFileURL(join(import.meta.dirname, '../../shared/contract/definition.ts')).href

type Stage = { receives: string[]; emits: string[]; topic?: string; called?: string }

/** A small pipeline in which everything fits. */
const whole: Record<string, Stage> = {
  intent: { receives: ['lares.message.received'], emits: ['lares.intent.recognised'] },
  dialog: {
    receives: [
      'lares.intent.recognised',
      'lares.timer.fired',
      'lares.deadletter.recorded',
      'lares.result.returned',
    ],
    emits: ['lares.stream.extended', 'lares.reply.completed', 'lares.skill.*.requested'],
  },
  notes: { receives: ['lares.skill.notes.requested'], emits: ['lares.result.returned'] },
}

let root: string

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'lares-pipeline-'))
})
afterEach(() => rm(root, { recursive: true }))

const write = async (path: string, text: string, flag?: 'a') => {
  await mkdir(dirname(join(root, path)), { recursive: true })
  await writeFile(join(root, path), text, flag && { flag })
}

async function build(stages: Record<string, Stage>): Promise<void> {
  const entries = Object.entries(stages)
  for (const [name, { receives, emits, called = name }] of entries) {
    const definition = JSON.stringify({ name: called, receives, emits })
    await write(
      `functions/${name}/handler.mjs`,
      `import { defineFunction } from '${define}'\nexport default defineFunction(${definition})\n`,
    )
  }
  const topics = ({ receives, topic }: Stage) =>
    topic ?? receives.map(type => type.slice(0, type.lastIndexOf('.'))).join(',')
  const functions = Object.fromEntries(
    entries.map(([name, stage]) => [
      name,
      { handler: `./functions/${name}`, annotations: { topic: topics(stage) } },
    ]),
  )
  await writeFile(join(root, 'stack.yml'), JSON.stringify({ functions }))
  for (const { file, type } of rooms) await write(file, `'${type}'\n`, 'a')
}

const problems = async () => (await readPipeline(root)).problems

const run = (...args: string[]) =>
  new Promise<{ code: number; output: string }>(resolve =>
    execFile(
      process.execPath,
      [join(import.meta.dirname, 'main.ts'), '--root', root, ...args],
      (error, stdout, stderr) => resolve({ code: Number(error?.code ?? 0), output: stdout + stderr }),
    ),
  )

test('a pipeline in which everything fits has no problems', async () => {
  await build(whole)
  expect(await problems()).toEqual([])
})

test('a topic that nobody writes is told, with who reads it', async () => {
  await build({ ...whole, listener: { receives: ['lares.media.requested'], emits: [] } })
  expect(await problems()).toEqual(['listener reads the topic lares.media, which nobody writes'])
})

test('an event that nobody reads is told, with who writes it', async () => {
  await build({
    ...whole,
    intent: { ...whole.intent!, emits: ['lares.intent.recognised', 'lares.prompt.composed'] },
  })
  expect(await problems()).toEqual(['intent writes lares.prompt.composed, which nobody reads'])
})

test('a skill that is gone leaves its requests without a reader', async () => {
  const { notes: _, ...rest } = whole
  await build(rest)
  expect(await problems()).toEqual([
    'dialog reads the topic lares.result, which nobody writes',
    'dialog writes lares.skill.*.requested, which nobody reads',
  ])
})

test('an annotation that differs from what the handler receives is told, both ways', async () => {
  await build({ ...whole, notes: { ...whole.notes!, topic: 'lares.message' } })
  expect(await problems()).toEqual([
    'stack.yml, notes: the annotation "topic" lacks lares.skill.notes, which its handler receives',
    'stack.yml, notes: the annotation "topic" names lares.message, which its handler does not receive',
  ])
})

test('a function with another name in its handler is told', async () => {
  await build({ ...whole, notes: { ...whole.notes!, called: 'memos' } })
  expect(await problems()).toEqual(['stack.yml calls "notes" what its handler calls "memos"'])
})

test('a fact about a room that its file does not bear out is told', async () => {
  await build(whole)
  await writeFile(join(root, 'infra/timers/timers.ts'), '')
  expect(await problems()).toEqual([
    'infra/pipeline/processes.ts says that timers writes lares.timer.fired in infra/timers/timers.ts, which does not name it',
  ])
})

test('a stale picture is found, and drawing it again puts it right', async () => {
  await build(whole)
  expect(await run('--check')).toMatchObject({ code: 1, output: expect.stringContaining('is stale') })
  const { code, output } = await run()
  expect(code).toBe(0)
  expect(output).toMatch(/lares\.intent\.recognised +intent +→ dialog\n/)
  expect(await run('--check')).toEqual({ code: 0, output: '' })
  const page = await readFile(join(root, 'docs/pipeline.md'), 'utf8')
  expect(page).toContain('  part_gateway -- "lares.message.received" --> part_intent')
  expect(page).toContain('  part_dialog -- "lares.skill.notes.requested" --> part_notes')
})

test('a stage that comes makes the picture stale, and one that does not load says why', async () => {
  await build(whole)
  await run()
  await build({
    ...whole,
    parrot: { receives: ['lares.message.received'], emits: ['lares.result.returned'] },
  })
  expect(await run('--check')).toMatchObject({ code: 1, output: expect.stringContaining('is stale') })
  await rm(join(root, 'functions/parrot'), { recursive: true })
  expect(await run('--check')).toMatchObject({ code: 1, output: expect.stringContaining('no handler in') })
})

test('a star stands for one name', () => {
  expect(meets('lares.skill.*.requested', 'lares.skill.notes.requested')).toBe(true)
  expect(meets('lares.skill.notes.requested', 'lares.skill.*.requested')).toBe(true)
  expect(meets('lares.skill.*.requested', 'lares.skill.requested')).toBe(false)
  expect(meets('lares.skill.notes', 'lares.skill.time')).toBe(false)
})
