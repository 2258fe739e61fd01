import { containsHan } from '#shared/language/script.ts'

const TOKEN = /\p{Script=Han}+|[\p{Script=Latin}\p{M}']+|0|[+\-*/^%=()×÷√]/gu
const NUMBER_WORD =
  /\b(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fifteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|hundred|thousand)\b/g
const NUMBER = /[\d零〇一二两三四五六七八九十百千万亿半]+(?:[.,:]\d+)*/gu
/** Arithmetic signs count as one word, so that an unseen formula looks like a seen one. */
const OPERATOR = /[+\-*/^%=()×÷√]/g

/** The features of a text: words, pairs of words and pieces of words; for Chinese, runs of one to three characters. */
export function extractFeatures(text: string): string[] {
  const normal = text
    .normalize('NFKC')
    .toLowerCase()
    .replaceAll('’', "'")
    .replace(NUMBER_WORD, '0')
    .replace(NUMBER, ' 0 ')
    .replace(OPERATOR, '+')
  const tokens = normal.match(TOKEN) ?? []
  const bigrams = ['^', ...tokens].map((token, at) => `${token} ${tokens[at] ?? '$'}`)
  return [...tokens.flatMap(tokenFeatures), ...bigrams]
}

function tokenFeatures(token: string): string[] {
  if (containsHan(token)) return characterNgrams(token, 1, 3)
  return token.length < 4 ? [`_${token}_`] : [`_${token}_`, ...characterNgrams(`_${token}_`, 4, 4)]
}

function characterNgrams(text: string, shortest: number, longest: number): string[] {
  const all: string[] = []
  for (let size = shortest; size <= longest; size++)
    for (let at = 0; at + size <= text.length; at++) all.push(text.slice(at, at + size))
  return all
}
