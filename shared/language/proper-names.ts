import { packsReading } from './detection.ts'
import type { Span } from './moments/spans.ts'
import type { ProperNameKind } from './pack.ts'

/**
 * The spans of places and people in a text, in their order. Among names that only the words around them show, the first
 * counts.
 */
export async function findProperNames(
  text: string,
  kind: ProperNameKind,
  language?: string,
): Promise<Span[]> {
  const found = await packsReading(text, language)[0].findProperNames(text, kind)
  return found.filter(([start, end]) => start < end)
}
