import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { dirname, join, resolve } from 'node:path'
import { LaresError } from '../../shared/base/errors.ts'
import type { Environment } from '../../shared/config/environment.ts'
import { findOwnSkills } from '../../shared/host/own-skills.ts'

const ROOT = resolve(import.meta.dirname, '..', '..')

/**
 * `lares test skill [NAME]`: runs the tests of the operator's own skills, or of one skill. Resolves with vitest's
 * status. Errors: `not_found`, with the searched folders.
 */
export async function testSkillCommand(
  { skillFolders }: Pick<Environment, 'skillFolders'>,
  name?: string,
): Promise<number> {
  const skills = (await findOwnSkills(skillFolders)).filter(
    skill => name === undefined || skill.name === name,
  )
  if (skills.length === 0)
    throw new LaresError(
      'not_found',
      `there is no skill ${name === undefined ? '' : `"${name}" `}in ${skillFolders.join(', ')}: set SKILLS_PATH to its folder, or begin one with lares new skill`,
    )
  let status = 0
  for (const folder of new Set(skills.map(({ handler }) => dirname(handler)))) {
    const names = skills.filter(({ handler }) => dirname(handler) === folder).map(skill => `${skill.name}/`)
    status ||= await runTests(folder, names)
  }
  return status
}

async function runTests(folder: string, filters: string[]): Promise<number> {
  const vitest = join(ROOT, 'node_modules', 'vitest', 'vitest.mjs')
  const config = join(ROOT, 'infra', 'setup', 'skills.vitest.config.ts')
  const child = spawn(process.execPath, [vitest, 'run', '--root', folder, '--config', config, ...filters], {
    stdio: 'inherit',
  })
  const [code] = await once(child, 'exit')
  return code ?? 1
}
