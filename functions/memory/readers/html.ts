import { Parser } from 'htmlparser2'
import { type ParsedDocument, requireReadableText } from './document.ts'
import { createSectionBuilder } from './sections.ts'
import { decodeText } from './text-decoding.ts'

/** Elements with content that readers of a page do not see. */
const INVISIBLE_ELEMENTS = new Set(
  'script style template noscript svg math iframe object embed canvas audio video select textarea button'.split(
    ' ',
  ),
)
const INLINE_ELEMENTS = new Set(
  'a abbr b bdi bdo cite code data dfn em font i img kbd label mark q s samp small span strike strong sub sup time tt u var wbr'.split(
    ' ',
  ),
)
const HEADING = /^h[1-6]$/
const CHARSET = /<meta[^>]{0,200}?charset\s*=\s*["']?([\w-]{1,40})/i

/** Reads the visible text of a page, under its headings. */
export function readHtml(bytes: Uint8Array): ParsedDocument {
  const head = new TextDecoder('latin1').decode(bytes.subarray(0, 2_048))
  const sections = createSectionBuilder()
  addHtml(sections, decodeText(bytes, CHARSET.exec(head)?.[1]))
  const parts = sections.parts()
  return requireReadableText({ parts, count: sections.count() })
}

/** The text of a piece of HTML, without its headings. */
export function htmlToText(html: string): string {
  const sections = createSectionBuilder()
  addHtml(sections, html)
  return sections
    .parts()
    .map(({ text }) => text)
    .join('\n\n')
}

function addHtml(sections: ReturnType<typeof createSectionBuilder>, html: string): void {
  /** The depth within an invisible element. */
  let invisibleDepth = 0
  let heading: string | undefined
  let isTitle = false
  const parser = new Parser(
    {
      onopentag(name, attributes) {
        if (invisibleDepth > 0 || INVISIBLE_ELEMENTS.has(name) || isHidden(attributes)) invisibleDepth++
        else if (name === 'title') isTitle = true
        else if (HEADING.test(name)) heading = ''
        else if (heading !== undefined) heading += ' '
        else if (name === 'br') sections.add('\n')
        else if (name === 'td' || name === 'th') sections.add(' ')
        else if (!INLINE_ELEMENTS.has(name)) sections.add('\n\n')
      },
      ontext(text) {
        if (invisibleDepth > 0 || isTitle) return
        const flat = text.replace(/\s+/g, ' ')
        if (heading === undefined) sections.add(flat)
        else heading += flat
      },
      onclosetag(name) {
        if (invisibleDepth > 0) invisibleDepth--
        else if (name === 'title') isTitle = false
        else if (HEADING.test(name) && heading !== undefined) {
          sections.begin(heading)
          heading = undefined
        } else if (!INLINE_ELEMENTS.has(name) && name !== 'td' && name !== 'th' && heading === undefined)
          sections.add('\n\n')
      },
    },
    { decodeEntities: true, lowerCaseTags: true },
  )
  parser.write(html)
  parser.end()
}

/** Text that the page itself hides is not part of what the person wants to have read. */
const isHidden = ({ hidden, style = '' }: Record<string, string>): boolean =>
  hidden !== undefined || /display\s*:\s*none|visibility\s*:\s*hidden/i.test(style)
