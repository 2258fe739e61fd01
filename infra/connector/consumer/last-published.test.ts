import { expect, test } from 'vitest'
import type { LaresEvent } from '../../../shared/contract/events/event.ts'
import {
  messageEvent,
  openConnectorTestBed,
  resultDraft,
  testFunction,
  waitUntil,
} from '../connector.fixture.ts'
import { openLastPublished } from './last-published.ts'

test('the keys that were used last are remembered', () => {
  const published = openLastPublished(2)
  published.set('a', 'a1')
  published.set('b', 'b1')
  published.set('a', 'a2')
  published.set('c', 'c1')
  expect(['a', 'b', 'c'].map(published.get)).toEqual(['a2', undefined, 'c1'])
})

test('a function is told which event of the key had all of its outcome published, and never one that failed', async () => {
  const works = await openConnectorTestBed()
  const told: [string, string | undefined][] = []
  works.deploy(
    testFunction((event: LaresEvent) => {
      told.push([event.id, event.publishedid])
      if (event.id === 'a2') throw new Error('it hurts')
      return resultDraft(event.id)
    }),
  )
  await works.start()
  await works.events.publish(['a1', 'a2', 'a3', 'a4'].map(id => messageEvent(id, 'a')))
  await works.events.publish([messageEvent('b1', 'b')])
  await waitUntil(async () => expect((await works.results()).toSorted()).toEqual(['a1', 'a3', 'a4', 'b1']))
  const firstTold = new Map(told.toReversed())
  expect(firstTold).toEqual(
    new Map([
      ['a1', undefined],
      ['a2', 'a1'],
      ['a3', 'a1'],
      ['a4', 'a3'],
      ['b1', undefined],
    ]),
  )
  await works.close()
})
