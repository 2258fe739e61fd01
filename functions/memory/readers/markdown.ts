import { marked } from 'marked'
import { checked, type Read, within } from './document.ts'
import { textOfHtml } from './html.ts'
import { openSections } from './sections.ts'
import { charactersOf } from './text-decoding.ts'

/** Markdown, as it is written, under its headings. */
export function readMarkdown(bytes: Uint8Array): Read {
  const sections = openSections()
  for (const token of marked.lexer(within(charactersOf(bytes)).replace(FRONT_MATTER, ''))) {
    if (token.type === 'heading') sections.begin(plain(token.text))
    else if (token.type === 'html') sections.add(`${textOfHtml(token.raw)}\n\n`)
    else if (token.type === 'code') sections.add(`${token.text}\n\n`)
    else sections.add(`${plain(token.raw)}\n\n`)
  }
  return checked({ parts: sections.parts(), count: sections.count() })
}

const FRONT_MATTER = /^﻿?---\n.{0,4000}?\n---\n/s

/** Without the marks that make it bold, a link or code. */
const plain = (text: string): string =>
  text
    .replace(/!?\[([^\]\n]{0,500})\]\([^)\n]{0,2000}\)/g, '$1')
    .replace(/(\*\*|__)(?=\S)([^\n]{1,500}?\S)\1/g, '$2')
    .replace(/`([^`\n]{1,500})`/g, '$1')
