import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { codeFacts } from './code-facts.ts'
import { overlaps, readPipeline } from './pipeline.ts'
import { processAccesses } from './processes.ts'

const definitionModule = pathToFileURL(join(import.meta.dirname, '../../shared/contract/definition.ts')).href

type Stage = { receives: string[]; emits: string[]; topic?: string; called?: string }

/** A small pipeline without problems. */
const validPipeline: Record<string, Stage> = {
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

const writeFileAt = async (path: string, text: string, flag?: 'a') => {
  await mkdir(dirname(join(root, path)), { recursive: true })
  await writeFile(join(root, path), text, flag && { flag })
}

async function writePipeline(stages: Record<string, Stage>): Promise<void> {
  const entries = Object.entries(stages)
  for (const [name, { receives, emits, called = name }] of entries) {
    const definition = JSON.stringify({ name: called, receives, emits })
    await writeFileAt(
      `functions/${name}/handler.mjs`,
      `import { defineFunction } from '${definitionModule}'\nexport default defineFunction(${definition})\n`,
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
  for (const { file, type } of processAccesses) await writeFileAt(file, `'${type}'\n`, 'a')
  for (const { file, text } of codeFacts) await writeFileAt(file, `// ${text}\n`, 'a')
}

const readProblems = async () => (await readPipeline(root)).problems

const runMain = (...args: string[]) =>
  new Promise<{ code: number; output: string }>(resolve =>
    execFile(
      process.execPath,
      [join(import.meta.dirname, 'main.ts'), '--root', root, ...args],
      (error, stdout, stderr) => resolve({ code: Number(error?.code ?? 0), output: stdout + stderr }),
    ),
  )

test('a pipeline in which everything fits has no problems', async () => {
  await writePipeline(validPipeline)
  expect(await readProblems()).toEqual([])
})

test('a topic that nobody writes is told, with who reads it', async () => {
  await writePipeline({ ...validPipeline, listener: { receives: ['lares.media.requested'], emits: [] } })
  expect(await readProblems()).toEqual(['listener reads the topic lares.media, which nobody writes'])
})

test('an event that nobody reads is told, with who writes it', async () => {
  await writePipeline({
    ...validPipeline,
    intent: { ...validPipeline.intent!, emits: ['lares.intent.recognised', 'lares.prompt.composed'] },
  })
  expect(await readProblems()).toEqual(['intent writes lares.prompt.composed, which nobody reads'])
})

test('a skill that is gone leaves its requests without a reader', async () => {
  const { notes: _, ...rest } = validPipeline
  await writePipeline(rest)
  expect(await readProblems()).toEqual([
    'dialog reads the topic lares.result, which nobody writes',
    'dialog writes lares.skill.*.requested, which nobody reads',
  ])
})

test('an annotation that differs from what the handler receives is told, both ways', async () => {
  await writePipeline({ ...validPipeline, notes: { ...validPipeline.notes!, topic: 'lares.message' } })
  expect(await readProblems()).toEqual([
    'stack.yml, notes: the annotation "topic" lacks lares.skill.notes, which its handler receives',
    'stack.yml, notes: the annotation "topic" names lares.message, which its handler does not receive',
  ])
})

test('a function with another name in its handler is told', async () => {
  await writePipeline({ ...validPipeline, notes: { ...validPipeline.notes!, called: 'memos' } })
  expect(await readProblems()).toEqual(['stack.yml calls "notes" what its handler calls "memos"'])
})

test('a fact about a room that its file does not bear out is told', async () => {
  await writePipeline(validPipeline)
  await writeFile(join(root, 'infra/timers/timers.ts'), '')
  expect(await readProblems()).toEqual([
    'infra/pipeline/processes.ts says that timers writes lares.timer.fired in infra/timers/timers.ts, which does not name it',
  ])
})

test('a wrapper or a step of dialog that the code does not have is told', async () => {
  await writePipeline(validPipeline)
  await writeFile(join(root, 'infra/connector/background.ts'), '')
  await writeFile(join(root, 'functions/dialog/turn/questions.ts'), '')
  expect(await readProblems()).toEqual([
    'infra/pipeline/code-facts.ts says that auditedInvoker wraps invoker in infra/connector/background.ts, which does not call it',
    'infra/pipeline/code-facts.ts names askWhichSkill of functions/dialog/turn/questions.ts, which has no such function',
  ])
})

test('a stale picture is found, and drawing it again puts it right', async () => {
  await writePipeline(validPipeline)
  expect(await runMain('--check')).toMatchObject({ code: 1, output: expect.stringContaining('is stale') })
  const { code, output } = await runMain()
  expect(code).toBe(0)
  expect(output).toMatch(/lares\.intent\.recognised +intent +→ dialog\n/)
  expect(await runMain('--check')).toEqual({ code: 0, output: '' })
  const page = await readFile(join(root, 'docs/pipeline.md'), 'utf8')
  expect(page).toContain('  part_gateway -- "lares.message.received" --> part_intent')
  expect(page).toContain('  part_dialog -- "lares.skill.notes.requested" --> part_notes')
  expect(page).toMatch(/port_events.*meteredEventLog.*openEventLog.*protectedBus.*sqlite or kafka/)
  expect(page).toContain('  model --> tools: the model wants tools (callTools)')
})

test('a stage that comes makes the picture stale, and one that does not load says why', async () => {
  await writePipeline(validPipeline)
  await runMain()
  await writePipeline({
    ...validPipeline,
    parrot: { receives: ['lares.message.received'], emits: ['lares.result.returned'] },
  })
  expect(await runMain('--check')).toMatchObject({ code: 1, output: expect.stringContaining('is stale') })
  await rm(join(root, 'functions/parrot'), { recursive: true })
  expect(await runMain('--check')).toMatchObject({
    code: 1,
    output: expect.stringContaining('no handler in'),
  })
})

test('a star stands for one name', () => {
  expect(overlaps('lares.skill.*.requested', 'lares.skill.notes.requested')).toBe(true)
  expect(overlaps('lares.skill.notes.requested', 'lares.skill.*.requested')).toBe(true)
  expect(overlaps('lares.skill.*.requested', 'lares.skill.requested')).toBe(false)
  expect(overlaps('lares.skill.notes', 'lares.skill.time')).toBe(false)
})
