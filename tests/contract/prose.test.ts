import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { listRepositoryFiles } from '../support/repository-files.ts'
import { sentencesIn } from '../support/sentences.ts'

const MAX_WORDS = 32

const pages = (await listRepositoryFiles('.md')).filter(path =>
  /^(README|CONTRIBUTING)\.md$|^docs\//.test(path),
)

test.each(pages)(`no sentence of %s has more than ${MAX_WORDS} words`, async page => {
  const long = sentencesIn(await readFile(page, 'utf8')).filter(({ words }) => words > MAX_WORDS)
  expect(long.map(({ words, text }) => `${words} words: ${text}`)).toEqual([])
})

test('a sentence that is too long is found, in a list too, and not in a table or a code block', () => {
  const long = `${'word '.repeat(MAX_WORDS)}word.`
  const page = `# A heading\n\nShort.\n\n- ${long}\n\n| ${long} |\n\n\`\`\`\n${long}\n\`\`\`\n`
  expect(sentencesIn(page).map(({ words }) => words)).toEqual([1, MAX_WORDS + 1])
})

/** GitHub's anchor of a heading. */
const anchorOf = (heading: string) =>
  heading
    .toLowerCase()
    .replaceAll(/[`*]|[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replaceAll(/\s/g, '-')

async function anchorsIn(page: string): Promise<Set<string>> {
  const text = await readFile(page, 'utf8')
  const headings = [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading]) => anchorOf(heading!))
  const ids = [...text.matchAll(/<a id="([^"]+)">/g)].map(([, id]) => id!)
  return new Set([...headings, ...ids])
}

test.each(pages)('every link of %s to a file or a heading leads there', async page => {
  const text = await readFile(page, 'utf8')
  const broken: string[] = []
  for (const [, target] of text.matchAll(/\]\((?!https?:)([^)\s]+)\)/g)) {
    const [path, anchor] = target!.split('#') as [string, string?]
    const file = path === '' ? page : join(dirname(page), path)
    if (!existsSync(file)) broken.push(target!)
    else if (anchor && !(await anchorsIn(file)).has(anchor)) broken.push(target!)
  }
  expect(broken).toEqual([])
})
