import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { findOwnSkills } from './own-skills.ts'

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lares-own-'))
})
afterEach(() => rm(folder, { recursive: true }))

async function writeSkill(path: string, file = 'handler.ts'): Promise<void> {
  await mkdir(join(folder, path), { recursive: true })
  await writeFile(join(folder, path, file), '')
}

test('each folder with a handler or a SKILL.md is a skill with the topic of its name', async () => {
  await writeSkill('one/dice')
  await writeSkill('two/haiku', 'SKILL.md')
  const skills = await findOwnSkills([join(folder, 'one'), join(folder, 'two')])
  expect(skills).toEqual([
    { name: 'dice', handler: join(folder, 'one/dice'), topics: ['lares.skill.dice'] },
    { name: 'haiku', handler: join(folder, 'two/haiku'), topics: ['lares.skill.haiku'] },
  ])
})

test('folders without a handler, files, and names that no function may have are left out', async () => {
  await writeSkill('notes', 'README.md')
  await writeSkill('.git')
  await writeSkill('node_modules')
  await writeFile(join(folder, 'handler.ts'), '')
  expect(await findOwnSkills([folder, join(folder, 'nowhere')])).toEqual([])
})

test('a name that is used twice is refused, and both folders are named', async () => {
  await writeSkill('notes')
  const taken = [{ name: 'notes', handler: './functions/skills/notes' }]
  await expect(findOwnSkills([folder], taken)).rejects.toMatchObject({
    code: 'invalid_config',
    message: `the skill "notes" is in ./functions/skills/notes and in ${join(folder, 'notes')}: rename or remove one of the two folders`,
  })
})

test('where conflicts are reported, only the folder with the taken name is left out', async () => {
  await writeSkill('notes')
  await writeSkill('twin')
  const conflicts: string[] = []
  const taken = [{ name: 'notes', handler: './functions/skills/notes' }]
  const skills = await findOwnSkills([folder], taken, name => void conflicts.push(name))
  expect([skills.map(({ name }) => name), conflicts]).toEqual([['twin'], ['notes']])
})
