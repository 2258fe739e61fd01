import { expect, test } from 'vitest'
import * as z from 'zod'
import { parseRecordBody } from './record-body.ts'

const schema = z.object({ subject: z.string(), saidAt: z.string() })

test('a body of the right form is given back, without what its schema does not know', () => {
  const body = { subject: 'city', saidAt: '2026-01-01', more: 1 }
  expect(parseRecordBody(schema, 'memories', { id: 'a', person: 'ann', body })).toEqual({
    subject: 'city',
    saidAt: '2026-01-01',
  })
})

test('a body of a wrong form is an error that names the record, what is wrong and the remedy', () => {
  const parse = () =>
    parseRecordBody(schema, 'memories', { id: 'a', person: 'ann', body: { subject: 'city' } })
  expect(parse).toThrow(
    /the record "a" of ann in the collection "memories" has a wrong form: .*saidAt.*restore it/s,
  )
})
