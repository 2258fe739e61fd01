import { Readable } from 'node:stream'
import { silentLogger } from '../../../shared/base/log.ts'
import { readEnvironment } from '../../../shared/config/environment.ts'
import { type Drivers, openDrivers } from '../../../shared/host/drivers.ts'
import { personFolder } from '../../../shared/objects/person-folder.ts'

/** The stores that these variables choose, as Lares opens them. */
export const openStores = (variables: NodeJS.ProcessEnv): Drivers =>
  openDrivers(readEnvironment(variables), silentLogger)

export const PEOPLE = ['alice', 'bob', '李雷']
const CREATED_AT = '2026-05-01T12:00:00.000Z'
const HOSTILE_TEXT = 'NUL \0 and 🙂 and \u202e and "; DROP TABLE\n'

/** Fills the stores with some data of each kind, for several people, including everything that is hard to transfer. */
export async function fillStores(drivers: Drivers): Promise<void> {
  const [{ rows, records }, vectors, objects] = await Promise.all([
    drivers.store(),
    drivers.vectors(),
    drivers.objects(),
  ])
  const model = { id: 'test/model@1', dimensions: 24 }
  const space = await vectors.index(model)
  for (const [index, person] of PEOPLE.entries()) {
    const conversation = `talk-of-${index}`
    await rows.write([
      {
        kind: 'conversation',
        id: conversation,
        person,
        createdAt: CREATED_AT,
        state: { transcript: [HOSTILE_TEXT], settled: ['x'] },
      },
      ...Array.from({ length: 700 }, (_, n) => ({
        kind: 'message' as const,
        conversation,
        person,
        id: `${conversation}-${n}`,
        role: n % 2 === 0 ? ('user' as const) : ('assistant' as const),
        text: n === 7 ? HOSTILE_TEXT : `${person} says ${n}`,
        inReplyTo: n % 2 === 0 ? null : `${conversation}-${n - 1}`,
        createdAt: new Date(Date.parse(CREATED_AT) + n * 1_000).toISOString(),
        status: 'completed' as const,
      })),
      {
        kind: 'timer',
        id: `${conversation}-t`,
        conversation,
        person,
        text: 'stretch',
        language: 'zh',
        dueAt: '2126-05-01T12:00:00.000Z',
        state: 'waiting',
      },
      {
        kind: 'timer',
        id: `${conversation}-u`,
        conversation,
        person,
        text: HOSTILE_TEXT,
        language: 'en',
        dueAt: CREATED_AT,
        state: 'fired',
      },
    ])
    for (const [n, collection] of ['notes', 'memories', 'deleted-notes', 'cancelled-reminders'].entries())
      await records.put(collection, {
        id: `d${n}`,
        person,
        text: `${HOSTILE_TEXT} of ${person}`,
        body: { n, deep: [null, HOSTILE_TEXT] },
        createdAt: CREATED_AT,
      })
    // A vector of any length: the vector store keeps only its direction.
    const entry = (n: number) => ({
      person,
      id: `${HOSTILE_TEXT}${n}`,
      values: Float32Array.from({ length: 24 }, (_, at) => Math.sin(index + n * 31 + at * 7) * (n + 1)),
    })
    await space.upsert(Array.from({ length: 120 }, (_, n) => entry(n)))
    await objects.put(`${personFolder(person)}attachments/${index}/0`, Buffer.from(`attached by ${person}`))
    const large = Readable.from(Array.from({ length: 40 }, (_, n) => Buffer.alloc(64 * 1024, n)))
    await objects.write(`${personFolder(person)}files/large`, large, {
      mediaType: 'application/octet-stream',
      maxBytes: 10_000_000,
    })
    await objects.write(`${personFolder(person)}files/note`, Readable.from([Buffer.from('# note')]), {
      mediaType: 'text/markdown',
      maxBytes: 100,
    })
    await objects.put(`${personFolder(person)}events/of-the-log`, Buffer.from('not exported'))
  }
  await records.put('skills', {
    id: 'time',
    person: '',
    text: '',
    body: { name: 'time' },
    createdAt: CREATED_AT,
  })
}
