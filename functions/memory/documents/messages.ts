import { packFor } from '#shared/language/packs.ts'
import type { DocumentKind, DocumentLocation, DocumentProblem } from '../readers/document.ts'

const MAX_LISTED = 30

type ListedDocument = { name: string; kind: DocumentKind; count: number; at: string }
/** The result for an attachment. `before`: the name under which memory already has the document. */
export type IngestOutcome = { name: string } & (
  | { kind: DocumentKind; count: number; before?: string }
  | { problem: DocumentProblem | 'full' }
)

/** The texts about documents, in a language. */
export function messagesIn(language: string) {
  const { phrases } = packFor(language).documents
  return {
    unknown: phrases.unknown,
    none: phrases.none,
    forgotten: phrases.forgotten,
    quoted: phrases.quoted,
    cite: (name: string, { page, section, line }: DocumentLocation) =>
      phrases.cite(name, {
        ...(page !== undefined && { page }),
        ...(section !== undefined && { section }),
        ...(line !== undefined && { line }),
      }),
    taken(one: IngestOutcome): string {
      if ('problem' in one) return phrases.problem(one.problem, one.name)
      const size = phrases.size(one.kind, one.count)
      if (one.before === undefined) return phrases.read(one.name, size)
      return phrases.alreadyRead(one.name, one.before === one.name ? undefined : one.before, size)
    },
    list(all: ListedDocument[]): string {
      if (all.length === 0) return phrases.noneYet
      const lines = all
        .slice(0, MAX_LISTED)
        .map(({ name, kind, count, at }) => ({ name, size: phrases.size(kind, count), day: at.slice(0, 10) }))
      return phrases.list(lines, Math.max(0, all.length - MAX_LISTED))
    },
    which: (names: string[]) =>
      phrases.which(
        names
          .slice(0, MAX_LISTED)
          .map((name, at) => `${at + 1}. ${name}`)
          .join('\n'),
      ),
  }
}
