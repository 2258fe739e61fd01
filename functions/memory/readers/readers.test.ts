import { describe, expect, it } from 'vitest'
import { type DocumentKind, documentKindOf } from './document.ts'
import { createPdf } from './files.fixture.ts'
import { type ReadOutcome, readInSandbox } from './sandbox.ts'

const signal = new AbortController().signal
const read = (content: string | Buffer, kind: DocumentKind, timeoutMs = 20_000): Promise<ReadOutcome> =>
  readInSandbox(Buffer.from(content as string), kind, { timeoutMs, signal })

const pieces = async (content: string | Buffer, kind: DocumentKind) => {
  const outcome = await read(content, kind)
  if (!('pieces' in outcome)) throw new Error(JSON.stringify(outcome))
  return outcome
}
const problem = async (content: string | Buffer, kind: DocumentKind, timeoutMs?: number) => {
  const outcome = await read(content, kind, timeoutMs)
  return 'problem' in outcome ? outcome.problem : outcome
}

describe('a document', () => {
  it('of PDF is read by pages, Chinese too', async () => {
    const pdf = createPdf([
      'The deposit is 900 euros,\ndue on the first.\n\n\nKeys: two.',
      '押金为九百欧元，\n退租时返还。',
    ])
    expect(await pieces(pdf, 'pdf')).toEqual({
      count: 2,
      pieces: [
        { place: { page: 1 }, text: 'The deposit is 900 euros, due on the first.\n\nKeys: two.' },
        { place: { page: 2 }, text: '押金为九百欧元，退租时返还。' },
      ],
    })
  })

  it('of Markdown is read by its headings, and a # within code is none', async () => {
    const text =
      '---\ntitle: x\n---\nBefore.\n\n# Install\n\nRun **npm** [start](http://a).\n\n```sh\n# no heading\n```\n\n## 使用\n\n打开页面。\n'
    expect(await pieces(text, 'markdown')).toEqual({
      count: 2,
      pieces: [
        { place: {}, text: 'Before.' },
        { place: { section: 'Install' }, text: 'Run npm start.\n\n# no heading' },
        { place: { section: '使用' }, text: '打开页面。' },
      ],
    })
  })

  it('of HTML is read as it is seen: without scripts, styles and what is hidden', async () => {
    const html = `<!doctype html><title>T</title><style>b{}</style><script>alert("evil")</script><p>Hello <b>wo</b>rld &amp; all</p>
      <h2>Opening <i>hours</i></h2><div hidden>ignore me</div><p style="display: none">nor me</p><ul><li>Monday<li>Tuesday</ul>
      <svg><text>no</text></svg><img src=x onerror=alert(1)><noscript>no</noscript><template>no</template><p>end`
    expect(await pieces(html, 'html')).toEqual({
      count: 1,
      pieces: [
        { place: {}, text: 'Hello world & all' },
        { place: { section: 'Opening hours' }, text: 'Monday\n\nTuesday\n\nend' },
      ],
    })
  })

  it('of text is read by paragraphs, with their lines', async () => {
    const long = `${'A sentence about nothing much. '.repeat(40)}`
    const { pieces: all, count } = await pieces(
      `First.\r\nSecond.\r\n\r\n${long}\r\n\r\nLast 中文。\r\n`,
      'text',
    )
    expect(count).toBe(6)
    expect(all[0]).toEqual({ place: { line: 1 }, text: 'First.\nSecond.' })
    expect(all.slice(1, -1).every(({ place, text }) => place.line === 4 && text.length <= 700)).toBe(true)
    expect(all.at(-1)).toEqual({ place: { line: 6 }, text: 'Last 中文。' })
  })

  it('is read in UTF-16, in GB18030, and in the encoding that a page names', async () => {
    const gb = Buffer.from('d1babdf0ceaabec5b0d9a3ac', 'hex')
    expect((await pieces(gb, 'text')).pieces[0]?.text).toBe('押金为九百，')
    expect((await pieces(Buffer.from('\ufeffdeposit', 'utf16le'), 'text')).pieces[0]?.text).toBe('deposit')
    const page = Buffer.from('<meta charset="iso-8859-1"><p>caf\xe9', 'latin1')
    expect((await pieces(page, 'html')).pieces[0]?.text).toBe('café')
  })

  it('that is encrypted, broken, empty or no text is refused, each for what it is', async () => {
    expect(await problem(createPdf(['secret'], { encrypted: true }), 'pdf')).toBe('encrypted')
    expect(await problem('no pdf', 'pdf')).toBe('broken')
    expect(await problem(createPdf(['half of it']).subarray(0, 400), 'pdf')).toBe('broken')
    expect(await problem(createPdf(['']), 'pdf')).toBe('empty')
    expect(await problem(Buffer.from([1, 0, 2, 0, 3]), 'text')).toBe('broken')
    expect(await problem(Buffer.from([0xff, 0xd8, 0xff, 0xe0, 0x10]), 'text')).toBe('broken')
    expect(await problem('<script>only()</script>', 'html')).toBe('empty')
    expect(await problem(' \n\n ', 'markdown')).toBe('empty')
    expect(await problem('', 'text')).toBe('empty')
  })

  it('that unpacks into a thousand times its size, or is 10 MB of one line, is given up, and this process goes on', async () => {
    const bomb = createPdf(['x'], { stream: () => Buffer.alloc(500_000_000, 'BT (x) Tj ET ') })
    expect(bomb.length).toBeLessThan(3_000_000)
    expect(await problem(bomb, 'pdf', 8_000)).toBe('too-large')
    for (const kind of ['text', 'markdown', 'html'] as const)
      expect(await problem('word '.repeat(2_000_000), kind, 8_000), kind).toBe('too-large')
    expect(await problem('<div>'.repeat(1_000_000), 'html', 1_000)).toMatch(/empty|too-large/)
    for (const text of ['[(', '> ', '- '])
      expect(await problem(text.repeat(300_000), 'markdown', 1_000), text).toMatch(/empty|too-large/)
    expect((await pieces('still here', 'text')).count).toBe(1)
  }, 60_000)

  it('of one line, or of one word, is cut into passages all the same', async () => {
    for (const text of [
      'word '.repeat(10_000),
      'x'.repeat(50_000),
      '没有标点'.repeat(5_000),
      '👍'.repeat(9_000),
    ]) {
      const all = (await pieces(text.startsWith('👍') ? `a${text}` : text, 'text')).pieces
      expect(all.length).toBeGreaterThan(20)
      expect(Math.max(...all.map(one => one.text.length))).toBeLessThanOrEqual(720)
    }
  })
})

it('tells what an attachment can be read as, by its name and its media type', () => {
  const kinds = [
    ['a.PDF', 'application/octet-stream', 'pdf'],
    ['notes.md', 'text/plain', 'markdown'],
    ['page', 'text/html; charset=utf-8', 'html'],
    ['list.txt', 'text/plain', 'text'],
    ['photo.jpg', 'image/jpeg', undefined],
  ] as const
  for (const [name, mediaType, kind] of kinds) expect(documentKindOf({ name, mediaType })).toBe(kind)
})
