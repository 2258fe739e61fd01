import * as z from 'zod'
import { defineSkill } from '#shared/contract/skill/skill.ts'
import { parseChoice, parseChoiceQuestion } from '#shared/language/choices.ts'
import { byTag, packs } from '#shared/language/packs.ts'
import { addNote, deleteNote, listNotes, searchNotes } from './notebook.ts'
import { parseNotesRequest } from './parse.ts'

export default defineSkill({
  name: 'notes',
  title: byTag(({ notes }) => notes.title),
  description: 'Saves, lists, searches and deletes notes.',
  examples: packs.flatMap(({ notes }) => notes.examples),
  uses: ['records'],
  input: z.object({
    action: z.enum(['add', 'list', 'search', 'delete']),
    text: z.string().optional(),
  }),
  read(text, { asked, language }) {
    const among = parseChoiceQuestion(asked)
    if (!among) return parseNotesRequest(text, language) ?? null
    return parseChoice(among, text, language).items.length > 0 ? { action: 'delete' as const, text } : null
  },
  run({ action, text = '' }, context) {
    const about = text.trim()
    if (action === 'add') return addNote(about, context)
    if (action === 'delete') return deleteNote(about, context)
    return action === 'search' && about !== '' ? searchNotes(about, context) : listNotes(context)
  },
})
