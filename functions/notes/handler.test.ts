import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { chinese, english } from '../intent/development-set.ts'
import { type AskOptions, type Kit, openKit } from '../test-kit.ts'
import notes from './handler.ts'

let kit: Kit
beforeEach(async () => {
  kit = await openKit()
})
afterEach(() => kit.close())

const answer = async (text: string, options?: AskOptions) => (await kit.ask(notes, text, options)).text
const kept = async (person = 'alice') =>
  (await kit.conversations.documents.list({ collection: 'notes', person, limit: 99 })).map(({ text }) => text)

describe('the notes skill', () => {
  it.each([
    ['note that the meter reading is 4810', 'the meter reading is 4810'],
    ['take a note: the plumber comes on Friday', 'the plumber comes on Friday'],
    ['记一下：电表读数是4810', '电表读数是4810'],
    ['帮我记一条笔记：问老王借帐篷', '问老王借帐篷'],
  ])('"%s" keeps "%s"', async (said, text) => {
    expect(await answer(said)).toContain(text)
    expect(await kept()).toEqual([text])
  })

  it('keeps a note once when the event comes again', async () => {
    const again = { eventId: '0198c0de-0000-7000-8000-000000000001' }
    const first = await kit.ask(notes, 'note that it rains', again)
    expect(await kit.ask(notes, 'note that it rains', again)).toEqual(first)
    expect(await kept()).toEqual(['it rains'])
  })

  it('lists and searches the notes of this person alone', async () => {
    await answer('note that the paint is grey')
    await answer('note that the landlord comes on Tuesday')
    await answer('note that the paint is red', { person: 'bob' })
    expect(await answer('show my notes')).toBe(
      'Your notes:\n- the landlord comes on Tuesday\n- the paint is grey',
    )
    expect(await answer('search my notes for paint')).toBe('- the paint is grey')
  })

  it('deletes the one note that is meant, and says the same when the event comes again', async () => {
    await answer('note that the paint is grey')
    await answer('note that the landlord comes on Tuesday')
    const again = { eventId: '0198c0de-0000-7000-8000-000000000002' }
    const first = await kit.ask(notes, 'delete the note about the landlord', again)
    expect(first.text).toBe('Deleted the note: the landlord comes on Tuesday')
    expect(await kit.ask(notes, 'delete the note about the landlord', again)).toEqual(first)
    expect(await kept()).toEqual(['the paint is grey'])
  })

  it('asks which one when several match alike, and deletes none', async () => {
    await answer('note that the paint of the door is grey')
    await answer('note that the paint of the roof is red')
    expect(await answer('delete the note about the paint')).toContain('Which one')
    expect(await kept()).toHaveLength(2)
  })

  it('declines whatever is not about notes', async () => {
    for (const text of [english, chinese].flatMap(({ none, time, calculator, reminder }) => [
      ...none,
      ...time,
      ...calculator,
      ...reminder,
    ]))
      expect(await kit.ask(notes, text), text).toMatchObject({ status: 'declined' })
  })
})
