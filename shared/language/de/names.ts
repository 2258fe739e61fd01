import { matchGroup, type Span } from '../moments/spans.ts'
import type { ProperNameKind } from '../pack.ts'

/** All German nouns have capitals, so only the words around a name show that it is one. */
const NAME = String.raw`(\p{Lu}[\p{L}'’-]*(?:\s+(?:am|an der|von|im)?\s*\p{Lu}[\p{L}'’-]*){0,3})`
const PATTERNS: Readonly<Record<ProperNameKind, RegExp>> = {
  place: new RegExp(
    String.raw`(?<!\p{L})(?:[Ii]n|[Ii]m|[Bb]ei|[Nn]ach|[Aa]us|[Vv]on|[Aa]m|[Zz]ur?m?)\s+(?:der\s+|die\s+)?${NAME}`,
    'du',
  ),
  name: new RegExp(
    String.raw`(?<!\p{L})(?:[Ff]ür|[Mm]it|[Aa]uf(?:\s+den\s+Namen)?|[Uu]nter|heißt|heiße|[Nn]ame(?:\s+ist|:)?)\s+(?:Herrn?\s+|Frau\s+)?${NAME}`,
    'du',
  ),
}
const WHOLE_NAME = new RegExp(String.raw`^\s*${NAME}\s*[.!]?\s*$`, 'du')

export const findProperNames = async (text: string, kind: ProperNameKind): Promise<Span[]> => {
  const found = matchGroup(PATTERNS[kind], text)
  return found.length > 0 ? found : matchGroup(WHOLE_NAME, text)
}
