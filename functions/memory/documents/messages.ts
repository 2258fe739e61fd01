import type { DocumentKind, DocumentLocation, DocumentProblem } from '../readers/document.ts'

const MAX_LISTED = 30

type ListedDocument = { name: string; kind: DocumentKind; count: number; at: string }
/** What became of an attachment. `before`: the name under which it was there already. */
export type IngestOutcome = { name: string } & (
  | { kind: DocumentKind; count: number; before?: string }
  | { problem: DocumentProblem | 'full' }
)

const UNITS = { pdf: 'page', html: 'section', markdown: 'section', text: 'line' } as const
const UNITS_ZH = { pdf: '页', html: '节', markdown: '节', text: '行' } as const

const formatSize = ({ kind, count }: { kind: DocumentKind; count: number }): string =>
  `${count} ${UNITS[kind]}${count === 1 ? '' : 's'}`
const formatSizeZh = ({ kind, count }: { kind: DocumentKind; count: number }): string =>
  `${count}${UNITS_ZH[kind]}`

const PROBLEM_TEXTS: Record<DocumentProblem | 'full', (name: string) => string> = {
  encrypted: name => `I cannot read ${name}: it is protected by a password. Send it without one.`,
  'too-large': name => `I cannot read ${name}: there is too much in it. Send it in parts.`,
  broken: name => `I cannot read ${name}: it is damaged, or not what its name says.`,
  empty: name =>
    `I cannot read ${name}: there is no text in it. If it is scanned, send it with its text recognised.`,
  unknown: name => `I cannot read ${name}: I read PDF, HTML, Markdown and plain text.`,
  gone: name => `I cannot read ${name}: it is not there any more. Send it again.`,
  full: name => `I did not keep ${name}: there are too many documents already. Have me forget some first.`,
}
const PROBLEM_TEXTS_ZH: Record<DocumentProblem | 'full', (name: string) => string> = {
  encrypted: name => `我读不了${name}：它有密码保护，请发送没有密码的版本。`,
  'too-large': name => `我读不了${name}：内容太多，请分成几份发送。`,
  broken: name => `我读不了${name}：文件已损坏，或者与文件名不符。`,
  empty: name => `我读不了${name}：里面没有文字。如果是扫描件，请先做文字识别。`,
  unknown: name => `我读不了${name}：我能读 PDF、HTML、Markdown 和纯文本。`,
  gone: name => `我读不了${name}：它已经不在了，请重新发送。`,
  full: name => `我没有保存${name}：文档太多了，请先让我忘掉一些。`,
}

/** What is said about documents. */
export const phrases = {
  en: {
    taken: (one: IngestOutcome) => {
      if ('problem' in one) return PROBLEM_TEXTS[one.problem](one.name)
      if (one.before === undefined) return `I have read ${one.name}: ${formatSize(one)}.`
      const as = one.before === one.name ? '' : ` as ${one.before}`
      return `I have ${one.name} already${as}: ${formatSize(one)}.`
    },
    list: (all: ListedDocument[]) =>
      all.length === 0
        ? 'I have no documents of yours. Send me a PDF, a web page, Markdown or a text file.'
        : `Your documents:\n${joinLines(all, one => `- ${one.name} (${formatSize(one)}, ${one.at.slice(0, 10)})`)}${
            all.length > MAX_LISTED ? `\nand ${all.length - MAX_LISTED} more.` : ''
          }`,
    unknown: (about: string) => `I have no document "${about}".`,
    which: (names: string[]) =>
      `Which one shall I forget?\n${joinLines(names, (name, at) => `${at + 1}. ${name}`)}`,
    none: 'I have no documents of yours.',
    forgotten: (names: string[]) => `I have forgotten ${names.join(', ')}.`,
    cite: (name: string, { page, section, line }: DocumentLocation) => {
      if (page !== undefined) return `(${name}, page ${page})`
      if (section !== undefined) return `(${name}, § ${section})`
      return line === undefined ? `(${name})` : `(${name}, line ${line})`
    },
    quoted: (text: string, cite: string) => `“${text}” ${cite}`,
  },
  zh: {
    taken: (one: IngestOutcome) => {
      if ('problem' in one) return PROBLEM_TEXTS_ZH[one.problem](one.name)
      if (one.before === undefined) return `我读完了${one.name}：共${formatSizeZh(one)}。`
      const as = one.before === one.name ? '' : `，名为${one.before}`
      return `我已经有${one.name}了${as}：共${formatSizeZh(one)}。`
    },
    list: (all: ListedDocument[]) =>
      all.length === 0
        ? '我这里没有你的文档。可以发给我 PDF、网页、Markdown 或文本文件。'
        : `你的文档：\n${joinLines(all, one => `- ${one.name}（${formatSizeZh(one)}，${one.at.slice(0, 10)}）`)}${
            all.length > MAX_LISTED ? `\n还有${all.length - MAX_LISTED}份。` : ''
          }`,
    unknown: (about: string) => `我这里没有“${about}”这份文档。`,
    which: (names: string[]) => `要忘掉哪一份？\n${joinLines(names, (name, at) => `${at + 1}. ${name}`)}`,
    none: '我这里没有你的文档。',
    forgotten: (names: string[]) => `好的，我已经忘掉了${names.join('、')}。`,
    cite: (name: string, { page, section, line }: DocumentLocation) => {
      if (page !== undefined) return `（${name}，第${page}页）`
      if (section !== undefined) return `（${name}，§ ${section}）`
      return line === undefined ? `（${name}）` : `（${name}，第${line}行）`
    },
    quoted: (text: string, cite: string) => `“${text}”${cite}`,
  },
} as const

const joinLines = <T>(all: T[], line: (one: T, at: number) => string): string =>
  all.slice(0, MAX_LISTED).map(line).join('\n')
