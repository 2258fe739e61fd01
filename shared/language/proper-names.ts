import { packsReading } from './detection.ts'
import type { Span } from './moments/spans.ts'
import type { ProperNameKind } from './pack.ts'

/** Where places and people stand in a text, in its order; of those that only the words around them tell, the first. */
export async function findProperNames(
  text: string,
  kind: ProperNameKind,
  language?: string,
): Promise<Span[]> {
  const found = await packsReading(text, language)[0].findProperNames(text, kind)
  return found.filter(([start, end]) => start < end)
}
