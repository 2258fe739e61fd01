import * as z from 'zod'
import { defineSkill } from '#shared/contract/skill.ts'
import { askedAmong, chosenOf } from '#shared/language/choices.ts'
import { examples } from './examples.ts'
import { add, list, remove, search } from './notebook.ts'
import { readNotesWish } from './parse.ts'

export default defineSkill({
  name: 'notes',
  title: { en: 'your notes', zh: '笔记' },
  description: 'Saves, lists, searches and deletes notes.',
  examples,
  uses: ['documents'],
  input: z.object({
    action: z.enum(['add', 'list', 'search', 'delete']),
    text: z.string().optional(),
  }),
  read(text, { asked }) {
    const among = askedAmong(asked)
    if (!among) return readNotesWish(text) ?? null
    return chosenOf(among, text).items.length > 0 ? { action: 'delete' as const, text } : null
  },
  run({ action, text = '' }, context) {
    const about = text.trim()
    if (action === 'add') return add(about, context)
    if (action === 'delete') return remove(about, context)
    return action === 'search' && about !== '' ? search(about, context) : list(context)
  },
})
