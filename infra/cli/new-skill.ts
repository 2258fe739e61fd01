import { existsSync } from 'node:fs'
import { appendFile, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join, relative, resolve } from 'node:path'
import { LaresError } from '../../shared/base/errors.ts'
import type { Environment } from '../../shared/config/environment.ts'
import { nameSchema } from '../../shared/contract/events/event-types.ts'
import { readStack } from '../../shared/contract/stack.ts'
import { findOwnSkills } from '../../shared/host/own-skills.ts'
import { editorSettings, handlerSource, testSource } from './skill-template.ts'
import { print } from './terminal.ts'

const ROOT = resolve(import.meta.dirname, '..', '..')

export type CreatedSkill = { folder: string; lines: number }

/**
 * Writes a working skill with its test into a folder of skills. Errors: `invalid_request` for an invalid function name,
 * `conflict` when the folder of that name exists.
 */
export async function createSkill(skillFolder: string, name: string): Promise<CreatedSkill> {
  if (!nameSchema.safeParse(name).success)
    throw new LaresError('invalid_request', `"${name}" is no name: use lower-case letters, digits and dashes`)
  const folder = join(skillFolder, name)
  if (existsSync(folder)) throw conflictError(name, folder)
  await mkdir(folder, { recursive: true })
  const handler = handlerSource(name)
  await writeFile(join(folder, 'handler.ts'), handler)
  await writeFile(join(folder, 'handler.test.ts'), testSource(name))
  return { folder, lines: handler.trim().split('\n').length }
}

const conflictError = (name: string, folder: string) =>
  new LaresError('conflict', `there is a skill "${name}" in ${folder}: choose another name`)

/** Adds the entry of a skill of the checkout at the end of stack.yml, for `faas-cli up` and images. */
export async function addToStack(root: string, name: string): Promise<void> {
  const file = join(root, 'stack.yml')
  const text = await readFile(file, 'utf8')
  await appendFile(file, `${text.endsWith('\n') ? '' : '\n'}\n${stackEntry(name)}`)
  if (!(await readStack(file)).some(known => known.name === name))
    throw new LaresError(
      'invalid_config',
      `"functions" is not at the end of ${file}: put the entry of ${name} there by hand`,
    )
}

const stackEntry = (name: string) => `  ${name}:
    lang: node24
    handler: ./functions/skills/${name}
    image: \${REGISTRY:-127.0.0.1:5000}/lares/${name}:\${TAG:-latest}
    annotations:
      topic: lares.skill.${name}
`

/**
 * `lares new skill`: writes into `--in`, or LARES_HOME/skills. A folder of the checkout also gets an entry in
 * stack.yml.
 */
export async function newSkillCommand(
  environment: Pick<Environment, 'skillFolders'>,
  name: string,
  { in: given }: { in?: string },
): Promise<number> {
  const skillFolder = resolve(given ?? environment.skillFolders.at(-1)!)
  const taken = [
    ...(await readStack(join(ROOT, 'stack.yml'))),
    ...(await findOwnSkills(environment.skillFolders)),
  ].find(known => known.name === name)
  if (taken) throw conflictError(name, taken.handler)
  const { folder, lines } = await createSkill(skillFolder, name)
  print(`${join(folder, 'handler.ts')} (${lines} lines) and its test are written.`)
  if (skillFolder === join(ROOT, 'functions', 'skills')) {
    await addToStack(ROOT, name)
    print('stack.yml has the function. Draw it into docs/pipeline.md: npm run pipeline')
  } else await prepareFolder(skillFolder, environment)
  print(`Try it:    npx lares dev    (it starts again when a file changes)`)
  print(`Test it:   npx lares test skill ${name}`)
  print(
    `Deploy it: npm start finds it; with a provider: faas-cli deploy --name ${name} --image lares/${name} --annotation topic=lares.skill.${name}`,
  )
  return 0
}

/** Writes the settings with which an editor finds `#lares/skill`, and says how Lares finds the folder. */
async function prepareFolder(skillFolder: string, { skillFolders }: Pick<Environment, 'skillFolders'>) {
  const settings = join(skillFolder, 'tsconfig.json')
  const isInCheckout = !relative(ROOT, skillFolder).startsWith('..')
  if (!isInCheckout && !existsSync(settings)) await writeFile(settings, editorSettings(ROOT))
  if (!skillFolders.includes(skillFolder))
    print(`Lares looks there when SKILLS_PATH names it: export SKILLS_PATH=${skillFolder}`)
}
