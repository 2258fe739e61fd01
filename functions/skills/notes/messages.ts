const MAX_LISTED = 20
const MAX_LINE_LENGTH = 300

/** A note in one line. */
const toOneLine = (text: string): string => {
  const single = text.replace(/\s+/g, ' ')
  return single.length > MAX_LINE_LENGTH ? `${single.slice(0, MAX_LINE_LENGTH)}…` : single
}

const bulletList = (notes: string[], bullet = (_: number): string => '-'): string =>
  notes
    .slice(0, MAX_LISTED)
    .map((text, at) => `${bullet(at)} ${toOneLine(text)}`)
    .join('\n')

/** They are numbered, so that a number is an answer. */
const numberedList = (notes: string[]): string => bulletList(notes, at => `${at + 1}.`)

/** What the notes say for themselves. */
export const phrases = {
  en: {
    saved: (text: string) => `Noted: ${text}`,
    what: 'What shall I note? Say for example "note that the plumber comes on Friday".',
    list: (notes: string[], more: boolean) =>
      `Your ${more ? 'latest ' : ''}notes:\n${bulletList(notes)}${more ? '\nSearch them to see older ones.' : ''}`,
    none: 'You have no notes.',
    found: (notes: string[]) => bulletList(notes),
    unknown: (about: string) => `You have no note about this: ${about}`,
    deleted: (text: string) => `Deleted the note: ${text}`,
    which: (notes: string[]) => `Which one shall I delete?\n${numberedList(notes)}`,
    oneByOne: 'I delete notes one by one, so that none is lost by mistake. Say which one, in its own words.',
    tooLong: 'That is too long for a note.',
    full: 'You have too many notes already. Delete some first.',
  },
  zh: {
    saved: (text: string) => `已记下：${text}`,
    what: '要记什么？例如“记一下水管工星期五来”。',
    list: (notes: string[], more: boolean) =>
      `你${more ? '最近' : ''}的笔记：\n${bulletList(notes)}${more ? '\n更早的可以搜索。' : ''}`,
    none: '你还没有笔记。',
    found: (notes: string[]) => bulletList(notes),
    unknown: (about: string) => `没有关于这个的笔记：${about}`,
    deleted: (text: string) => `已删除笔记：${text}`,
    which: (notes: string[]) => `要删除哪一条？\n${numberedList(notes)}`,
    oneByOne: '为了不误删，我一次只删除一条笔记。请说出要删除的那一条的内容。',
    tooLong: '内容太长，不能作为一条笔记。',
    full: '你的笔记太多了，请先删除一些。',
  },
} as const

export const NOTES_PER_LIST = MAX_LISTED
