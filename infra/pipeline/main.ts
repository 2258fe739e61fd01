// npm run pipeline [-- --check]: draws the pipeline from stack.yml and the handlers into docs/pipeline.md.
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { toLaresError } from '../../shared/base/errors.ts'
import { pageOf, textOf } from './picture.ts'
import { readPipeline } from './pipeline.ts'

const { values } = parseArgs({
  options: { check: { type: 'boolean', default: false }, root: { type: 'string' } },
})
const root = values.root ?? join(import.meta.dirname, '..', '..')
const file = join(root, 'docs', 'pipeline.md')

try {
  const { parts, problems } = await readPipeline(root)
  if (problems.length > 0) fail(problems)
  else if (values.check) await check(pageOf(parts))
  else await write(pageOf(parts), textOf(parts))
} catch (error) {
  fail([toLaresError(error).message])
}

async function check(page: string): Promise<void> {
  const written = await readFile(file, 'utf8').catch(() => '')
  if (written !== page) fail(['docs/pipeline.md is stale: run npm run pipeline'])
}

async function write(page: string, text: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true })
  await writeFile(file, page)
  process.stdout.write(`${text}\n`)
}

function fail(problems: string[]): void {
  for (const problem of problems) process.stderr.write(`${problem}\n`)
  process.exitCode = 1
}
