import * as z from 'zod'
import { defineSkill } from '#shared/contract/skill.ts'
import { parseChoice, parseChoiceQuestion } from '#shared/language/choices.ts'
import { examples } from './examples.ts'
import { addNote, deleteNote, listNotes, searchNotes } from './notebook.ts'
import { parseNotesRequest } from './parse.ts'

export default defineSkill({
  name: 'notes',
  title: { en: 'your notes', zh: '笔记' },
  description: 'Saves, lists, searches and deletes notes.',
  examples,
  uses: ['records'],
  input: z.object({
    action: z.enum(['add', 'list', 'search', 'delete']),
    text: z.string().optional(),
  }),
  read(text, { asked }) {
    const among = parseChoiceQuestion(asked)
    if (!among) return parseNotesRequest(text) ?? null
    return parseChoice(among, text).items.length > 0 ? { action: 'delete' as const, text } : null
  },
  run({ action, text = '' }, context) {
    const about = text.trim()
    if (action === 'add') return addNote(about, context)
    if (action === 'delete') return deleteNote(about, context)
    return action === 'search' && about !== '' ? searchNotes(about, context) : listNotes(context)
  },
})
