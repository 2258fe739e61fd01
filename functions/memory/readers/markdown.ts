import { marked } from 'marked'
import { type ParsedDocument, requireMaxLength, requireReadableText } from './document.ts'
import { htmlToText } from './html.ts'
import { createSectionBuilder } from './sections.ts'
import { decodeText } from './text-decoding.ts'

/** Reads Markdown source under its headings. */
export function readMarkdown(bytes: Uint8Array): ParsedDocument {
  const sections = createSectionBuilder()
  for (const token of marked.lexer(requireMaxLength(decodeText(bytes)).replace(FRONT_MATTER, ''))) {
    if (token.type === 'heading') sections.begin(stripMarkup(token.text))
    else if (token.type === 'html') sections.add(`${htmlToText(token.raw)}\n\n`)
    else if (token.type === 'code') sections.add(`${token.text}\n\n`)
    else sections.add(`${stripMarkup(token.raw)}\n\n`)
  }
  return requireReadableText({ parts: sections.parts(), count: sections.count() })
}

const FRONT_MATTER = /^﻿?---\n.{0,4000}?\n---\n/s

/** Removes the marks for bold text, links and code. */
const stripMarkup = (text: string): string =>
  text
    .replace(/!?\[([^\]\n]{0,500})\]\([^)\n]{0,2000}\)/g, '$1')
    .replace(/(\*\*|__)(?=\S)([^\n]{1,500}?\S)\1/g, '$2')
    .replace(/`([^`\n]{1,500})`/g, '$1')
