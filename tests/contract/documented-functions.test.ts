import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parse } from 'yaml'
import { editorSettings } from '../../infra/cli/skill-template.ts'
import type { AnyFunction } from '../../shared/contract/definition.ts'
import { webAddress } from '../../shared/contract/events/address.ts'
import { createRootEvent } from '../../shared/contract/events/event.ts'
import { topicsOf } from '../../shared/contract/plugin.ts'
import { loadFunction } from '../../shared/host/load.ts'
import { openTestKit, type TestKit } from '../../shared/host/test-kit.ts'

/** Every example of docs/functions.md, loaded and run as a function is. */
const source = await readFile('docs/functions.md', 'utf8')
const blocks = (language: string) =>
  [...source.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, 'gms'))].map(([, code]) => code!)

let checkout: string
let kit: TestKit
const functions = new Map<string, AnyFunction>()

/** A checkout of its own, so that the examples are where a reader puts them. */
beforeAll(async () => {
  kit = await openTestKit()
  checkout = await mkdtemp(join(tmpdir(), 'lares-documented-'))
  for (const room of ['shared', 'node_modules', 'package.json'])
    await symlink(resolve(room), join(checkout, room))
  for (const [at, code] of blocks('ts').entries()) {
    const folder = join(checkout, 'functions', `example-${at}`)
    await mkdir(folder, { recursive: true })
    await writeFile(join(folder, 'handler.ts'), code)
    const loaded = await loadFunction(folder)
    functions.set(loaded.name, loaded)
  }
})
afterAll(async () => {
  await kit.close()
  await rm(checkout, { recursive: true })
})

/** The messages for each example, and the expected results. */
const scenarios: Record<string, () => Promise<void>> = {
  async dice() {
    const dice = functions.get('dice')!
    expect(await kit.ask(dice, 'roll the dice')).toMatchObject({
      status: 'ok',
      text: expect.stringMatching(/^🎲 [1-6]$/),
    })
    const three = await kit.ask(dice, 'hm', { input: { count: 3 } })
    expect((three.data as { rolls: number[] }).rolls).toHaveLength(3)
    expect(await kit.ask(dice, 'hm', { input: { count: 11 } })).toMatchObject({ status: 'failed' })
  },
  async table() {
    const table = functions.get('table')!
    const talk = async (...texts: string[]) => {
      let answer: Awaited<ReturnType<TestKit['ask']>> | undefined
      for (const said of texts)
        answer = await kit.ask(table, said, answer?.asks ? { asked: answer.asks.asked } : {})
      return answer!.text
    }
    expect(await talk('book a table in the garden', 'tomorrow', 'at 8 pm', 'four')).toBe(
      '4 on Saturday, 28 March 2026 at 20:00, garden',
    )
    expect(await talk('订一张桌子', '明天晚上八点', '四位')).toBe('2026年3月28日星期六 20:00，4位，里面')
    expect(await talk('book a table', 'tomorrow at 8 pm')).toBe('For how many?')
  },
  async shout() {
    const reply = createRootEvent({
      id: 'reply-1',
      source: '/test',
      type: 'lares.reply.completed',
      conversation: 'conversation',
      data: {
        person: 'alice',
        address: webAddress('conversation'),
        inReplyTo: 'm',
        answers: ['m'],
        question: 'hm',
        text: 'hello',
        status: 'completed',
        usage: { inputTokens: 0, outputTokens: 0 },
        language: 'en',
      },
    })
    const [shouted] = await kit.send(functions.get('shout')!, reply)
    expect(shouted).toMatchObject({ type: 'lares.webhook.shout.received', data: { body: 'HELLO' } })
  },
  async echo() {
    expect(await kit.ask(functions.get('echo')!, 'hello')).toMatchObject({ text: 'You said: hello' })
  },
}

test('every documented function is tried here', () => {
  expect([...functions.keys()].sort()).toEqual(Object.keys(scenarios).sort())
})

test.each(Object.keys(scenarios))('the documented function %s does what is said', async name => {
  await scenarios[name]!()
})

test('the documented entry of stack.yml has the topics of its function', () => {
  for (const [name, entry] of blocks('yaml').flatMap(yaml =>
    Object.entries(parse(yaml) as Record<string, { annotations: { topic: string } }>),
  ))
    expect(entry.annotations.topic.split(','), name).toEqual(topicsOf(functions.get(name)!))
})

test('the documented functions have no type errors, also as files of TypeScript outside the checkout', async () => {
  await writeFile(join(checkout, 'functions', 'tsconfig.json'), editorSettings(resolve('.')))
  const compiler = resolve('node_modules/typescript/bin/tsc')
  const run = promisify(execFile)(process.execPath, [compiler, '-p', join(checkout, 'functions')])
  expect(await run.catch(({ stdout }: { stdout: string }) => ({ stdout }))).toMatchObject({ stdout: '' })
})
