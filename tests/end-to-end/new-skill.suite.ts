import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { addToStack, createSkill } from '../../infra/cli/new-skill.ts'
import { ask } from '../support/conversation.ts'
import type { LaresInstance } from '../support/instance.ts'
import { until } from '../support/until.ts'

const SKILL_NAME = 'marmot-fact'

/** How functions come to an instance; `root` is the checkout with the skill. */
export type Deployer = {
  build(root: string, name: string): Promise<void>
  deploy(root: string, name: string): Promise<void>
  remove(name: string): Promise<void>
}

/** From `lares new skill` to its answer in a conversation, on an instance that runs. */
export function newSkillSuite(instance: () => LaresInstance, { build, deploy, remove }: Deployer): void {
  test('a new skill is answered once it is deployed, changes with an update under the same name, and goes', async () => {
    const root = await mkdtemp(join(tmpdir(), 'lares-skill-'))
    await mkdir(join(root, 'functions', 'skills'), { recursive: true })
    await cp('stack.yml', join(root, 'stack.yml'))
    const { lines } = await createSkill(join(root, 'functions', 'skills'), SKILL_NAME)
    await addToStack(root, SKILL_NAME)
    let n = 0
    const deployAndWaitFor = async (text: string) => {
      await build(root, SKILL_NAME)
      const startedAt = performance.now()
      await deploy(root, SKILL_NAME)
      const deployedMs = performance.now() - startedAt
      await until(
        async () => (await ask(instance(), `live-${++n}`, 'marmot fact, please', 30_000)).includes(text),
        30_000,
      )
      const seconds = (ms: number) => (ms / 1_000).toFixed(1)
      process.stderr.write(
        `a skill of ${lines} lines: deployed after ${seconds(deployedMs)} s, "${text}" after ${seconds(performance.now() - startedAt)} s\n`,
      )
    }
    await deployAndWaitFor('marmot fact greets you.')

    const handler = join(root, 'functions', 'skills', SKILL_NAME, 'handler.ts')
    await writeFile(handler, (await readFile(handler, 'utf8')).replace('greets', 'waves at'))
    await deployAndWaitFor('marmot fact waves at you.')

    await remove(SKILL_NAME)
    await until(
      async () =>
        (await ask(instance(), `gone-${++n}`, 'marmot fact, please', 30_000)) === 'echo: marmot fact, please',
      30_000,
    )
    await rm(root, { recursive: true })
    expect(lines).toBeLessThanOrEqual(20)
  }, 180_000)
}
