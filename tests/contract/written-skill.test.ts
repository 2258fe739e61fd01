import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { skillFromMarkdown } from '../../shared/contract/skill/written-skill.ts'
import { loadFunction } from '../../shared/host/load.ts'
import { openTestKit } from '../../shared/host/test-kit.ts'
import type { GenerateRequest, Models } from '../../shared/models/models.ts'

/** The example of docs/functions.md. */
const documented = /^```markdown\n(.*?)^```/ms.exec(await readFile('docs/functions.md', 'utf8'))![1]!

test('the example in the documents is a skill, found in its folder', async () => {
  const parent = await mkdtemp(join(tmpdir(), 'lares-written-'))
  const folder = join(parent, 'haiku')
  await mkdir(folder)
  await writeFile(join(folder, 'SKILL.md'), documented)
  const { name, receives, skill } = await loadFunction(folder)
  expect({ name, receives }).toEqual({ name: 'haiku', receives: ['lares.skill.haiku.requested'] })
  expect(skill?.examples).toHaveLength(2)
  await rename(folder, join(parent, 'poem'))
  await expect(loadFunction(join(parent, 'poem'))).rejects.toThrow(
    'has the name "haiku" and lies in the folder "poem": give both the same name',
  )
  await rm(parent, { recursive: true })
})

const HAIKU = `---
name: haiku
description: Writes a haiku about anything.
license: MIT
metadata:
  author: somebody
examples:
  - write a haiku about the sea
  - 写一首俳句
---

# Haiku

Answer with three lines of 5, 7 and 5 syllables, and nothing else.
`

/** A model that records its prompts. */
function recordingModels(contextTokens = 4_000) {
  const requests: GenerateRequest[] = []
  const models = {
    capabilities: async () => ({ model: 'm', tools: false, contextTokens }),
    async *generate(_task: string, request: GenerateRequest) {
      requests.push(request)
      yield { kind: 'text', text: ' Waves fold ' }
      yield { kind: 'text', text: 'on the shore. ' }
      yield { kind: 'end', finishReason: 'stop', usage: { inputTokens: 1, outputTokens: 1 }, model: 'm' }
    },
  } as unknown as Models
  return { asked: requests, models }
}

test('a SKILL.md is a skill: the model answers by its text what the person said', async () => {
  const skill = skillFromMarkdown(HAIKU, 'SKILL.md')
  expect(skill.skill).toMatchObject({
    name: 'haiku',
    description: 'Writes a haiku about anything.',
    examples: ['write a haiku about the sea', '写一首俳句'],
    readsText: true,
  })
  const kit = await openTestKit()
  const { asked, models } = recordingModels()
  Object.assign(kit.services, { models })
  expect(await kit.ask(skill, 'write a haiku about the sea')).toMatchObject({
    status: 'ok',
    text: 'Waves fold on the shore.',
  })
  await kit.ask(skill, 'something nice, please', { input: { request: 'a haiku about snow' } })
  expect(asked.map(({ messages }) => messages)).toEqual([
    [
      { role: 'system', content: expect.stringMatching(/^# Haiku\n\nAnswer with three lines/) },
      { role: 'user', content: 'write a haiku about the sea' },
    ],
    [
      { role: 'system', content: expect.any(String) },
      { role: 'user', content: 'a haiku about snow' },
    ],
  ])
  await kit.close()
})

test('instructions that a small model has no room for are cut, not what the person said', async () => {
  const kit = await openTestKit()
  const { asked, models } = recordingModels(1_124)
  Object.assign(kit.services, { models })
  await kit.ask(skillFromMarkdown(`${HAIKU}${'x'.repeat(10_000)}`, 'SKILL.md'), 'a haiku about snow')
  const [system, user] = asked[0]!.messages
  expect(system!.content.length + user!.content.length).toBe(200)
  expect(user!.content).toBe('a haiku about snow')
  await kit.close()
})

test('without examples its description tells when it is meant', () => {
  const text = '---\nname: haiku\ndescription: Writes a haiku.\n---\nThree lines.'
  expect(skillFromMarkdown(text, 'SKILL.md').skill?.examples).toEqual(['Writes a haiku.'])
})

test.each([
  ['# Haiku', /front matter: write "---"/],
  ['---\nname: haiku\n---\nThree lines.', /wrong front matter[\s\S]*description/],
  ['---\nname: Haiku!\ndescription: x\n---\nThree lines.', /lower-case letters, digits and dashes/],
  ['---\nname: [\n---\nThree lines.', /not YAML/],
  ['---\nname: haiku\ndescription: x\n---\n \n', /tells nothing after its front matter/],
])('a SKILL.md that is wrong is refused with its reason: %j', (text, reason) => {
  expect(() => skillFromMarkdown(text, 'functions/haiku/SKILL.md')).toThrow(reason)
  expect(() => skillFromMarkdown(text, 'functions/haiku/SKILL.md')).toThrow(/^functions\/haiku\/SKILL\.md /)
})
