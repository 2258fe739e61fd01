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

/** Every way to name another module; a rule that misses one of them is no rule. */
const forms: Record<string, (to: string) => string> = {
  import: to => `import { thing } from '${to}'\nexport const other = thing\n`,
  type: to => `import type { Thing } from '${to}'\nexport type Other = Thing\n`,
  export: to => `export { thing } from '${to}'\n`,
  dynamic: to => `export const thing = () => import('${to}')\n`,
}

const report = z.object({
  diagnostics: z.array(z.object({ category: z.string(), location: z.object({ path: z.string() }) })),
})

let folder: string
let found: Set<string>

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lares-imports-'))
  await copyFile(join(root, 'biome.json'), join(folder, 'biome.json'))
  for (const [from, to] of [...refused, ...accepted])
    for (const [form, text] of Object.entries(forms)) await write(variant(from, form), text(to))
  found = await lint()
})

afterAll(() => rm(folder, { recursive: true }))

test.each(refused)('%s may not import %s', from => {
  for (const form of Object.keys(forms)) expect(found).toContain(variant(from, form))
})

test.each(accepted)('%s may import %s', from => {
  for (const form of Object.keys(forms)) expect(found).not.toContain(variant(from, form))
})

function variant(from: string, form: string): string {
  return from.replace('.ts', `-${form}.ts`)
}

async function write(path: string, text: string): Promise<void> {
  await mkdir(dirname(join(folder, path)), { recursive: true })
  await writeFile(join(folder, path), text)
}

/** The files that the house's own rules refuse. */
async function lint(): Promise<Set<string>> {
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
  const { diagnostics } = report.parse(JSON.parse(output))
  return new Set(
    diagnostics.filter(d => d.category.endsWith('noRestrictedImports')).map(d => d.location.path),
  )
}
