import { Readable } from 'node:stream'
import { noLog } from '../../../shared/base/log.ts'
import { readEnvironment } from '../../../shared/config/environment.ts'
import { type Drivers, openDrivers } from '../../../shared/host/drivers.ts'
import { folderOf } from '../../../shared/objects/person-folder.ts'

/** The stores that these variables choose, as Lares opens them. */
export const storesOf = (variables: NodeJS.ProcessEnv): Drivers =>
  openDrivers(readEnvironment(variables), noLog)

export const PEOPLE = ['alice', 'bob', '李雷']
const AT = '2026-05-01T12:00:00.000Z'
const HOSTILE = 'NUL \0 and 🙂 and \u202e and "; DROP TABLE\n'

/** Some of everything that Lares keeps, of several people, with all that is hard to carry. */
export async function fill(drivers: Drivers): Promise<void> {
  const [{ rows, documents }, vectors, objects] = await Promise.all([
    drivers.conversations(),
    drivers.vectors(),
    drivers.objects(),
  ])
  const model = { id: 'test/model@1', dimensions: 24 }
  const space = await vectors.space(model)
  for (const [index, person] of PEOPLE.entries()) {
    const conversation = `talk-of-${index}`
    await rows.write([
      {
        kind: 'conversation',
        id: conversation,
        person,
        createdAt: AT,
        state: { transcript: [HOSTILE], settled: ['x'] },
      },
      ...Array.from({ length: 700 }, (_, n) => ({
        kind: 'message' as const,
        conversation,
        person,
        id: `${conversation}-${n}`,
        role: n % 2 === 0 ? ('user' as const) : ('assistant' as const),
        text: n === 7 ? HOSTILE : `${person} says ${n}`,
        inReplyTo: n % 2 === 0 ? null : `${conversation}-${n - 1}`,
        createdAt: new Date(Date.parse(AT) + n * 1_000).toISOString(),
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
        text: HOSTILE,
        language: 'en',
        dueAt: AT,
        state: 'fired',
      },
    ])
    for (const [n, collection] of ['notes', 'memories', 'deleted-notes', 'cancelled-reminders'].entries())
      await documents.put(collection, {
        id: `d${n}`,
        person,
        text: `${HOSTILE} of ${person}`,
        body: { n, deep: [null, HOSTILE] },
        createdAt: AT,
      })
    // Of any length: what is kept of a vector is its direction.
    const entry = (n: number) => ({
      person,
      id: `${HOSTILE}${n}`,
      values: Float32Array.from({ length: 24 }, (_, at) => Math.sin(index + n * 31 + at * 7) * (n + 1)),
    })
    await space.upsert(Array.from({ length: 120 }, (_, n) => entry(n)))
    await objects.put(`${folderOf(person)}attachments/${index}/0`, Buffer.from(`attached by ${person}`))
    const large = Readable.from(Array.from({ length: 40 }, (_, n) => Buffer.alloc(64 * 1024, n)))
    await objects.write(`${folderOf(person)}files/large`, large, {
      mediaType: 'application/octet-stream',
      maxBytes: 10_000_000,
    })
    await objects.write(`${folderOf(person)}files/note`, Readable.from([Buffer.from('# note')]), {
      mediaType: 'text/markdown',
      maxBytes: 100,
    })
    await objects.put(`${folderOf(person)}events/of-the-log`, Buffer.from('not exported'))
  }
  await documents.put('skills', { id: 'time', person: '', text: '', body: { name: 'time' }, createdAt: AT })
}
