import { packsReading } from '#shared/language/detection.ts'
import { strip } from '#shared/language/fillers.ts'
import type { LanguagePack } from '#shared/language/pack.ts'
import type { NotesAction } from '#shared/language/skill-language.ts'

const MAX_TEXT_LENGTH = 8_000

/** A request about notes. `text` is empty when the person did not say it. */
export type NotesRequest = { action: NotesAction; text: string }

const TRAILING_PUNCTUATION = /[\s.。!！?？,，;；~]+$/

/** The person's request about their notes; undefined without one. `language`: of the conversation, as a tag. */
export function parseNotesRequest(said: string, language?: string): NotesRequest | undefined {
  if (said.length > MAX_TEXT_LENGTH) return undefined
  const readers = packsReading(said, language)
  const text = strip(
    said.trim().replaceAll('’', "'"),
    readers.map(({ notes }) => notes.politePrefix),
    readers.map(({ notes }) => notes.politeSuffix),
  )
  for (const [action, pattern] of readers.flatMap(({ notes }) => notes.requests)) {
    const match = pattern.exec(action === 'add' ? text : text.replace(TRAILING_PUNCTUATION, ''))
    if (match) return { action, text: extractText(action, match[1]!, readers) }
  }
  return undefined
}

/** The text of the request. To delete a note, the words that name it. */
const extractText = (action: NotesAction, text: string, readers: readonly LanguagePack[]): string =>
  action === 'delete'
    ? readers
        .reduce((rest, { notes }) => rest.replace(notes.nonSubjectWords, ' '), text)
        .replace(/\s+/g, ' ')
        .trim()
    : text.trim().replace(/^["“'](.+)["”']$/s, '$1')
