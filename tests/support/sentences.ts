/** A sentence of a page, as plain words: code and links count as the words that a reader sees. */
export type Sentence = { text: string; words: number }

/** The sentences of a page's paragraphs and lists, without code blocks, tables, headings and HTML. */
export function sentencesIn(markdown: string): Sentence[] {
  return paragraphsIn(markdown)
    .flatMap(paragraph => paragraph.split(/(?<=[.!?]["”)*]{0,3})\s+(?=[\p{Lu}\p{Lo}"“*(`])/u))
    .map(text => ({ text, words: wordsIn(text).length }))
    .filter(({ words }) => words > 0)
}

function paragraphsIn(markdown: string): string[] {
  const prose = markdown
    .replaceAll(/^(```|~~~).*?^\1$/gms, '')
    .replaceAll(/<!--.*?-->/gs, '')
    .replaceAll(/^\s*(\||#|<|!\[).*$/gm, '')
  return prose
    .split(/\n\s*\n|\n(?=\s*(?:[-*]|\d+\.) )/)
    .map(paragraph =>
      paragraph
        .replace(/^\s*(?:[-*]|\d+\.) /, '')
        .replaceAll(/\s+/g, ' ')
        .trim(),
    )
    .filter(paragraph => paragraph !== '')
}

function wordsIn(text: string): string[] {
  const shown = text.replaceAll(/`[^`]*`/g, ' code ').replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
  return shown.match(/[\p{L}\p{N}][\p{L}\p{N}'’.,%/+-]*/gu) ?? []
}
