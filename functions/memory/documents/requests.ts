import { packsReading } from '#shared/language/detection.ts'

/** A request about the documents themselves. */
export type DocumentRequest =
  | { kind: 'list' }
  | { kind: 'forget-all' }
  /** Empty when the person named no document. */
  | { kind: 'forget'; about: string }

const MAX_LENGTH = 400

/** The request of a text about the documents; undefined without one. `language`: of the conversation, as a tag. */
export function parseDocumentRequest(said: string, language?: string): DocumentRequest | undefined {
  if (said.length > MAX_LENGTH) return undefined
  const text = said
    .trim()
    .replaceAll('’', "'")
    .replace(/[\s.。!！?？]+$/u, '')
  const requests = packsReading(said, language).map(({ documents }) => documents.requests)
  if (requests.some(({ list }) => list.some(form => form.test(text)))) return { kind: 'list' }
  if (requests.some(({ forgetAll }) => forgetAll.some(form => form.test(text)))) return { kind: 'forget-all' }
  const match = requests
    .flatMap(({ forget }) => forget)
    .map(form => form.exec(text))
    .find(found => found !== null)
  if (!match) return undefined
  const about = (match[1] ?? '').trim().replace(/^["“'「《„](.+)["”'」》“]$/u, '$1')
  return requests.some(({ otherSkills }) => otherSkills.test(about)) ? undefined : { kind: 'forget', about }
}
