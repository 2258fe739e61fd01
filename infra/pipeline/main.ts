// npm run pipeline [-- --check]: draws the pipeline from stack.yml and the handlers into docs/pipeline.md.
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { toLaresError } from '../../shared/base/errors.ts'
import { readOptions } from '../../shared/base/options.ts'
import { renderPage, renderText } from './picture.ts'
import { readPipeline } from './pipeline.ts'

const USAGE = 'npm run pipeline -- [--check] [--root FOLDER]'
const OPTIONS = { check: { type: 'boolean', default: false }, root: { type: 'string' } } as const
let file = ''

try {
  const values = readOptions(USAGE, OPTIONS)
  const root = values.root ?? join(import.meta.dirname, '..', '..')
  file = join(root, 'docs', 'pipeline.md')
  const { components, problems } = await readPipeline(root)
  if (problems.length > 0) reportProblems(problems)
  else if (values.check) await checkPage(renderPage(components))
  else await writePage(renderPage(components), renderText(components))
} catch (error) {
  reportProblems([toLaresError(error).message])
}

async function checkPage(page: string): Promise<void> {
  const written = await readFile(file, 'utf8').catch(() => '')
  if (written !== page) reportProblems(['docs/pipeline.md is stale: run npm run pipeline'])
}

async function writePage(page: string, text: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true })
  await writeFile(file, page)
  process.stdout.write(`${text}\n`)
}

function reportProblems(problems: string[]): void {
  for (const problem of problems) process.stderr.write(`${problem}\n`)
  process.exitCode = 1
}
