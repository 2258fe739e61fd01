import { join } from 'node:path'

const spokenName = (name: string) => name.replaceAll('-', ' ')

/** A skill that answers in two languages and can be called by a model. */
export const handlerSource = (name: string) => `import * as z from 'zod'
import { defineSkill } from '#lares/skill'

export default defineSkill({
  name: '${name}',
  title: { en: '${spokenName(name)}', zh: '${spokenName(name)}' },
  description: 'Greets somebody.',
  examples: ['${spokenName(name)}, please', 'use ${spokenName(name)}', '请用 ${spokenName(name)}', '${spokenName(name)} 说什么？'],
  input: z.object({ subject: z.string().optional() }),
  run({ subject }, { language }) {
    const isChinese = language.startsWith('zh')
    const text = isChinese ? \`${spokenName(name)} 问候\${subject ?? '你'}。\` : \`${spokenName(name)} greets \${subject ?? 'you'}.\`
    return { text, data: { subject } }
  },
})
`

export const testSource = (name: string) => `import { afterAll, beforeAll, expect, test } from 'vitest'
import { openTestKit, type TestKit } from '#lares/test'
import skill from './handler.ts'

let kit: TestKit
beforeAll(async () => {
  kit = await openTestKit()
})
afterAll(() => kit.close())

test('it answers in the language of the person', async () => {
  expect(await kit.ask(skill, '${spokenName(name)}, please')).toMatchObject({ status: 'ok', text: '${spokenName(name)} greets you.' })
  expect(await kit.ask(skill, '请用 ${spokenName(name)}')).toMatchObject({ status: 'ok', text: '${spokenName(name)} 问候你。' })
})
`

/** A tsconfig.json with which editors and tsc find the skill API, zod and vitest in the checkout. */
export const editorSettings = (root: string) =>
  `${JSON.stringify(
    {
      compilerOptions: {
        target: 'es2024',
        module: 'nodenext',
        strict: true,
        noEmit: true,
        skipLibCheck: true,
        erasableSyntaxOnly: true,
        allowImportingTsExtensions: true,
        typeRoots: [join(root, 'node_modules', '@types')],
        types: ['node'],
        paths: {
          '#lares/skill': [join(root, 'shared/api/skill.ts')],
          '#lares/function': [join(root, 'shared/api/function.ts')],
          '#lares/test': [join(root, 'shared/host/test-kit.ts')],
          '*': [join(root, 'node_modules/*')],
        },
      },
    },
    null,
    2,
  )}\n`
