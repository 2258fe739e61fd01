// npm run pipeline [-- --check]: draws the pipeline from stack.yml and the handlers into docs/pipeline.md.
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { toLaresError } from '../../shared/base/errors.ts'
import { renderPage, renderText } from './picture.ts'
import { readPipeline } from './pipeline.ts'

const { values } = parseArgs({
  options: { check: { type: 'boolean', default: false }, root: { type: 'string' } },
})
const root = values.root ?? join(import.meta.dirname, '..', '..')
const file = join(root, 'docs', 'pipeline.md')

try {
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
