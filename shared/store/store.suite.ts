import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { auditSuite } from './audit.suite.ts'
import { historySuite } from './history.suite.ts'
import { countingStep, type WorkerCommand } from './member.fixture.ts'
import { recordsSuite } from './records.suite.ts'
import { rowsSuite } from './rows.suite.ts'
import type { Store } from './store.ts'
import { timersSuite } from './timers.suite.ts'
import { userMessage } from './written.fixture.ts'

const WORKER = new URL('./member.fixture.ts', import.meta.url).pathname

export type StoreUnderTest = {
  /** Opens the same store each time. */
  open(now?: () => number): Promise<Store>
  opener: WorkerCommand['opener']
  /** Reads around the port, as a dashboard does. */
  callsPerHour(): Promise<ModelCallsPerHour[]>
  stop(): Promise<void>
}

export type ModelCallsPerHour = {
  hour: string
  model: string
  calls: number
  input_tokens: number
  output_tokens: number
}

/** Texts that break stores with wrong assumptions about text. */
const HOSTILE_TEXTS = {
  NUL: 'before\0after\0',
  'control characters': '\u0001\u00010\u00011\u0001\u001b[31m\u007f\r\n\t',
  SQL: `'; DROP TABLE messages; -- " \` $1 :a ? %s \\ {"a":1}`,
  Arabic: 'مرحبا \u202eبالعالم\u202c',
  Hebrew: 'שָׁלוֹם',
  Devanagari: 'क्षत्रिय नमस्ते',
  Thai: 'สวัสดีชาวโลก',
  Chinese: '我的自行车锁密码是４７１１，𠮷野家',
  Korean: '안녕하세요 \u1112\u1161\u11ab',
  emoji: '👩‍👩‍👧‍👦🏳️‍🌈🇺🇳',
  'combining marks': `Z${'\u0351'.repeat(50)} Å A\u030a`,
  noncharacters: '\ufffe\uffff\u{10ffff}\u00ad\u200b\ufeff',
}

/** The guarantees of the port `Store`, for every driver. */
export function storeSuite(name: string, start: () => Promise<StoreUnderTest>): void {
  describe(name, () => {
    let storeUnderTest: StoreUnderTest
    let store: Store
    let count = 0
    let c = ''

    beforeAll(async () => {
      storeUnderTest = await start()
      store = await storeUnderTest.open()
    })
    afterAll(async () => {
      await store.close()
      await storeUnderTest.stop()
    })
    beforeEach(() => {
      c = `talk-${++count}`
    })

    describe('step', () => {
      test('goes on from the state of the one before, and a conversation without one begins with none', async () => {
        const seen: unknown[] = []
        for (const eventId of ['1', '2'])
          await store.step({
            conversation: c,
            person: 'owner',
            eventId: `${c}-${eventId}`,
            apply(state: unknown) {
              seen.push(state)
              return { state: { after: eventId, 文: '🙂' }, messages: [], outcome: null }
            },
          })
        expect(seen).toEqual([undefined, { after: '1', 文: '🙂' }])
      })

      test('an event that was applied is not applied again, and its outcome comes back as it was', async () => {
        let applied = 0
        const step = () =>
          store.step({
            conversation: c,
            person: 'owner',
            eventId: `${c}-1`,
            apply: () => ({
              state: {},
              messages: [userMessage(`${c}-m`, { text: `try ${++applied}` })],
              outcome: [{ at: new Date(0), nothing: undefined, applied }],
            }),
          })
        const first = await step()
        const [second, third] = await Promise.all([step(), step()])
        expect([applied, first]).toEqual([1, [{ at: '1970-01-01T00:00:00.000Z', applied: 1 }]])
        expect([second, third]).toEqual([first, first])
        expect(await store.history.message(`${c}-m`)).toMatchObject({ text: 'try 1' })
      })

      test('counts calls of models by hour, each once', async () => {
        const call = (model: string, inputTokens: number) => ({ model, inputTokens, outputTokens: 2 })
        const [quick, slow] = [`quick-${c}`, `slow-${c}`]
        const calls = [[call(quick, 10)], [call(quick, 20), call(slow, 5)], [call(quick, 40)]]
        const times = ['10:00:00.000', '10:59:59.999', '11:00:00.000'].map(time => `2026-03-29T${time}Z`)
        for (const [at, modelCalls] of calls.entries()) {
          const then = await storeUnderTest.open(() => Date.parse(times[at]!))
          for (const _ of ['first', 'again'])
            await then.step({
              conversation: c,
              person: 'owner',
              eventId: `${c}-${at}`,
              apply: () => ({ state: {}, messages: [], outcome: null, modelCalls }),
            })
          await then.close()
        }
        const seen = (await storeUnderTest.callsPerHour()).filter(({ model }) => model.endsWith(c))
        const row = (hour: string, model: string, calls: number, input_tokens: number) => ({
          hour: `2026-03-29T${hour}:00:00Z`,
          model,
          calls,
          input_tokens,
          output_tokens: 2 * calls,
        })
        expect(seen).toEqual([row('10', quick, 2, 30), row('10', slow, 1, 5), row('11', quick, 1, 40)])
      })

      test('is remembered by whoever opens the store next', async () => {
        await store.step(countingStep(c, `${c}-1`))
        const other = await storeUnderTest.open()
        expect(await other.step(countingStep(c, `${c}-1`))).toBe(1)
        expect(await other.step(countingStep(c, `${c}-2`))).toBe(2)
        await other.close()
        expect(await store.step(countingStep(c, `${c}-2`))).toBe(2)
      })

      test('one that throws changes nothing, and the others of the same moment are kept', async () => {
        const before = store.step(countingStep(c, `${c}-1`))
        const failing = store.step({
          conversation: c,
          person: 'owner',
          eventId: `${c}-bad`,
          apply: () => {
            throw new Error('a thought too much')
          },
        })
        const unsound = store.step({
          conversation: c,
          person: 'owner',
          eventId: `${c}-worse`,
          // The second row aborts the transaction after the first row was written.
          apply: () => ({
            state: { count: 99 },
            messages: [userMessage(`${c}-m`), { ...userMessage(`${c}-n`), text: null } as never],
            outcome: 99,
          }),
        })
        const after = store.step(countingStep(c, `${c}-2`))
        const failures = await Promise.allSettled([failing, unsound])
        expect(failures).toMatchObject([
          { status: 'rejected', reason: { message: 'a thought too much' } },
          { status: 'rejected' },
        ])
        expect((await Promise.all([before, after])).toSorted()).toEqual([1, 2])
        expect(await store.history.message(`${c}-m`)).toBeUndefined()
        expect(await store.step(countingStep(c, `${c}-bad`))).toBe(3)
      })

      test('steps of several processes are made one after the other, each event once', async () => {
        const ids = Array.from({ length: 150 }, (_, n) => `${c}-${n}`)
        const run = async (eventIds: string[]): Promise<[string, number][]> => {
          const order: WorkerCommand = { opener: storeUnderTest.opener, conversation: c, eventIds }
          const { stdout } = await promisify(execFile)(process.execPath, [WORKER, JSON.stringify(order)])
          return JSON.parse(stdout)
        }
        const all = await Promise.all([
          run(ids),
          run([...ids].reverse()),
          run(ids.filter((_, n) => n % 3 === 0)),
        ])
        const outcomes = new Map<string, Set<number>>()
        for (const [eventId, outcome] of all.flat())
          outcomes.set(eventId, new Set([...(outcomes.get(eventId) ?? []), outcome]))
        expect([...outcomes.values()].every(({ size }) => size === 1)).toBe(true)
        const counts = [...outcomes.values()].map(([outcome]) => outcome!).sort((a, b) => a - b)
        expect(counts).toEqual(ids.map((_, n) => n + 1))
      }, 60_000)

      test('a trimmed journal forgets what is older, and only that', async () => {
        let now = 1_000
        const other = await storeUnderTest.open(() => now)
        await other.step(countingStep(c, `${c}-old`))
        now = 2_000
        await other.step(countingStep(c, `${c}-new`))
        await other.trimJournal(2_000)
        expect(await other.step(countingStep(c, `${c}-new`))).toBe(2)
        expect(await other.step(countingStep(c, `${c}-old`))).toBe(3)
        await other.close()
      })
    })

    test.each(Object.entries(HOSTILE_TEXTS))(
      'hostile text in every field comes back as it was: %s',
      async (_, text) => {
        const id = `${c} ${text}`
        const message = userMessage(`${id} 1`, { text, inReplyTo: text })
        const entered = await store.history.accept({ conversation: id, person: text, message })
        expect(entered).toMatchObject({ ...message, conversation: id })
        const step = {
          conversation: id,
          person: text,
          eventId: `${id} e`,
          apply: (state: unknown) => ({ state: { text, state }, messages: [message], outcome: [text] }),
        }
        expect(await store.step(step)).toEqual([text])
        expect(await store.step(step)).toEqual([text])
        expect(await store.history.list(id, { limit: 9 })).toMatchObject([message])
        expect(await store.history.conversations(text, 9)).toContainEqual({
          id,
          person: text,
          createdAt: message.createdAt,
        })
        const document = { id, person: text, text, body: { [text]: text }, createdAt: message.createdAt }
        await store.records.put(text, document)
        expect(await store.records.get({ collection: text, person: text, id })).toEqual(document)
        const timer = {
          id,
          conversation: id,
          person: text,
          text,
          language: 'en' as const,
          dueAt: message.createdAt,
        }
        await store.timers.schedule(timer)
        expect(await store.timers.pending(text, 9)).toContainEqual(timer)
      },
    )

    historySuite(() => store)
    recordsSuite(() => store)
    timersSuite(() => store)
    rowsSuite(() => store)
    auditSuite(() => store)

    test('a store that can be used says so', async () => {
      await store.check()
    })
  })
}
