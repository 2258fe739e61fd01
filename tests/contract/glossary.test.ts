import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { listRepositoryFiles } from '../support/repository-files.ts'

/** Words that the glossary has replaced, each with the word to use. */
const RETIRED_WORDS: Record<string, string> = {
  house: 'instance (a running Lares), or system (the owner of data that belongs to nobody)',
  houses: 'instances',
  lane: 'key (of the keyed executor)',
  lanes: 'keyed executor',
  outbox: 'delivery dispatcher, ordered batcher or send queue; a transactional outbox is something else',
  spill: 'overflow',
  spills: 'overflow',
  bury: 'publish a dead letter',
  buries: 'publishes a dead letter',
  buried: 'published as a dead letter',
  lacking: 'unmet requirements',
  spares: 'prewarmed runtimes',
  resting: 'paused',
  hearing: 'handling a result',
}

/** Places where a retired word is right, with the reason. */
const ALLOWED: { path: RegExp; text: RegExp; because: string }[] = [
  {
    path: /^gateway\/web\/send-queue\.js$/,
    text: /lares\.outbox/,
    because: 'browsers have stored unsent messages under this key',
  },
  { path: /^tests\/contract\/glossary\.test\.ts$/, text: /./, because: 'it lists the words' },
  {
    path: /./,
    text: /# House|house\\?\.md|my house|aunt's house|our house|for a house/,
    because: 'it is about a home',
  },
  {
    path: /^tests\/(contract\/bundle|end-to-end\/documents)\.test\.ts$/,
    text: /house/i,
    because: 'a document about a home',
  },
]

const retired = new RegExp(`\\b(${Object.keys(RETIRED_WORDS).join('|')})\\b`, 'gi')

function isAllowed(path: string, line: string): boolean {
  return ALLOWED.some(one => one.path.test(path) && one.text.test(line))
}

test('no file uses a word that the glossary has replaced', async () => {
  const paths = await listRepositoryFiles('.ts', '.js', '.mjs', '.md', '.yml', '.yaml')
  const found: string[] = []
  for (const path of paths)
    for (const [at, line] of (await readFile(path, 'utf8')).split('\n').entries())
      for (const [word] of isAllowed(path, line) ? [] : line.matchAll(retired))
        found.push(`${path}:${at + 1}: "${word}": write ${RETIRED_WORDS[word.toLowerCase()]}`)
  expect(found).toEqual([])
})

/** The last column of the glossary's tables: each piece of code that embodies a term. */
async function glossaryEntries(): Promise<{ term: string; names: string[] }[]> {
  const page = await readFile('docs/glossary.md', 'utf8')
  return [...page.matchAll(/^\| ([^|]+) \| [^|]+ \| ([^|]+) \|$/gm)]
    .map(([, term, code]) => ({
      term: term!,
      names: [...code!.matchAll(/`([^`]+)`/g)].map(([, name]) => name!),
    }))
    .filter(({ names }) => names.length > 0)
}

test('each term of the glossary is embodied in the code', async () => {
  const entries = await glossaryEntries()
  expect(entries.length).toBeGreaterThan(50)
  const paths = await listRepositoryFiles('.ts', '.yml')
  const product = paths.filter(path => !path.startsWith('tests/') && !path.endsWith('.test.ts'))
  const code = (await Promise.all(product.map(path => readFile(path, 'utf8')))).join('\n')
  const names = new Set(code.match(/[\w./-]+/g))
  const isEmbodied = (name: string) => product.some(path => path.includes(name)) || names.has(name)
  const missing = entries.flatMap(({ term, names }) =>
    names.filter(name => !isEmbodied(name)).map(name => `${term}: ${name}`),
  )
  expect(missing).toEqual([])
})
