import { execFile } from 'node:child_process'
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'

const root = fileURLToPath(new URL('../../', import.meta.url))
const biome = join(root, 'node_modules/@biomejs/biome/bin/biome')

const refused: [from: string, to: string][] = [
  ['shared/bus/one.ts', '../../functions/intent/intent.ts'],
  ['shared/two.ts', '../functions/intent/intent.ts'],
  ['shared/bus/three.ts', '../../gateway/app.ts'],
  ['shared/bus/four.ts', '../../infra/connector/connector.ts'],
  ['shared/bus/five.ts', '../../tests/support/model-server.ts'],
  ['functions/intent/one.ts', '../../gateway/app.ts'],
  ['functions/intent/two.ts', '../../infra/connector/connector.ts'],
  ['functions/intent/three.ts', '../../tests/support/model-server.ts'],
  ['functions/skills/deep/four.ts', '../../../gateway/app.ts'],
  ['gateway/one.ts', '../functions/intent/intent.ts'],
  ['gateway/two.ts', '../infra/connector/connector.ts'],
  ['gateway/web/three.ts', '../../functions/intent/intent.ts'],
  ['infra/connector/one.ts', '../../functions/intent/intent.ts'],
  ['infra/connector/two.ts', '../../gateway/app.ts'],
  ['infra/connector/three.ts', '../../tests/support/model-server.ts'],
]

const accepted: [from: string, to: string][] = [
  ['shared/bus/right.ts', '../events/event.ts'],
  ['functions/intent/right.ts', '../../shared/contract/events/event.ts'],
  ['functions/intent/beside.ts', './intent.ts'],
  ['gateway/right.ts', '../shared/events/event.ts'],
  ['infra/connector/right.ts', '../../shared/contract/events/event.ts'],
  ['infra/embedded/right.ts', '../../functions/intent/intent.ts'],
  ['infra/embedded/gateway.ts', '../../gateway/app.ts'],
  ['tests/end-to-end/right.ts', '../../infra/embedded/runner.ts'],
]

/** Every syntax that names another module; a rule that misses one of them does not hold. */
const forms: Record<string, (to: string) => string> = {
  import: to => `import { thing } from '${to}'\nexport const other = thing\n`,
  type: to => `import type { Thing } from '${to}'\nexport type Other = Thing\n`,
  export: to => `export { thing } from '${to}'\n`,
  dynamic: to => `export const thing = () => import('${to}')\n`,
}

const report = z.object({
  diagnostics: z.array(z.object({ category: z.string(), location: z.object({ path: z.string() }) })),
})

/** Two files that import each other, and three in a ring; `import type` counts as an import. */
const cycles: Record<string, string> = {
  'shared/cycle/value.ts': "import { other } from './value-other.ts'\nexport const value = () => other\n",
  'shared/cycle/value-other.ts': "import { value } from './value.ts'\nexport const other = () => value\n",
  'shared/cycle/ring-a.ts': "import type { B } from './ring-b.ts'\nexport type A = { b: B }\n",
  'shared/cycle/ring-b.ts': "import type { C } from './ring-c.ts'\nexport type B = { c: C }\n",
  'shared/cycle/ring-c.ts': "import type { A } from './ring-a.ts'\nexport type C = { a: A }\n",
}
const acyclic = "import type { A } from './ring-a.ts'\nexport type Outside = A\n"

let folder: string
let found: Set<string>
let inCycle: Set<string>

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lares-imports-'))
  await copyFile(join(root, 'biome.json'), join(folder, 'biome.json'))
  for (const [from, to] of [...refused, ...accepted])
    for (const [form, text] of Object.entries(forms)) await write(variant(from, form), text(to))
  for (const [path, text] of Object.entries(cycles)) await write(path, text)
  await write('shared/cycle/outside.ts', acyclic)
  const diagnostics = await lint()
  found = filesWith(diagnostics, 'noRestrictedImports')
  inCycle = filesWith(diagnostics, 'noImportCycles')
})

afterAll(() => rm(folder, { recursive: true }))

test.each(refused)('%s may not import %s', from => {
  for (const form of Object.keys(forms)) expect(found).toContain(variant(from, form))
})

test.each(accepted)('%s may import %s', from => {
  for (const form of Object.keys(forms)) expect(found).not.toContain(variant(from, form))
})

test('files that import each other are refused, also when they import only types', () => {
  expect([...inCycle].sort()).toEqual(Object.keys(cycles).sort())
})

function variant(from: string, form: string): string {
  return from.replace('.ts', `-${form}.ts`)
}

async function write(path: string, text: string): Promise<void> {
  await mkdir(dirname(join(folder, path)), { recursive: true })
  await writeFile(join(folder, path), text)
}

type Diagnostics = z.infer<typeof report>['diagnostics']

const filesWith = (diagnostics: Diagnostics, rule: string): Set<string> =>
  new Set(diagnostics.filter(({ category }) => category.endsWith(rule)).map(({ location }) => location.path))

/** The linter's findings under the repository's own rules. */
async function lint(): Promise<Diagnostics> {
  const args = ['lint', '--vcs-enabled=false', '--reporter=json', '--max-diagnostics=none', '.']
  const output = await new Promise<string>((resolve, reject) => {
    execFile(
      process.execPath,
      [biome, ...args],
      { cwd: folder, maxBuffer: 2 ** 26 },
      (_error, stdout, stderr) =>
        stdout ? resolve(stdout) : reject(new Error(`biome said nothing: ${stderr}`)),
    )
  })
  return report.parse(JSON.parse(output)).diagnostics
}
