import * as z from 'zod'
import { defineSkill } from '#shared/contract/skill.ts'
import { askedAmong } from '#shared/language/choices.ts'
import { readAnswer } from './answers.ts'
import { cancel, readChoice } from './cancellation.ts'
import { set } from './creation.ts'
import { examples } from './examples.ts'
import { itemOf, phrases } from './messages.ts'
import { readWish } from './parse.ts'

const MAX_LISTED = 100

export default defineSkill({
  name: 'reminder',
  title: { en: 'a reminder', zh: '提醒' },
  description: 'Reminds at a time; lists and cancels reminders.',
  examples,
  uses: ['timers', 'documents'],
  input: z.object({
    action: z.enum(['set', 'list', 'cancel']).optional(),
    when: z.string().optional().describe('e.g. tomorrow 9:00'),
    text: z.string().optional().describe('what of'),
  }),
  async read(text, context) {
    const { saidAt, timeZone, language } = context
    if (askedAmong(context.asked)) {
      const { items } = await readChoice(text, context.asked, context)
      return items.length > 0 ? { action: 'cancel' as const, text } : null
    }
    if (context.asked) return readAnswer(text, context)
    const wish = await readWish(text, { saidAt, timeZone })
    if (!wish) return null
    switch (wish.kind) {
      case 'list':
        return { action: 'list' as const }
      case 'cancel':
        return { action: 'cancel' as const, text: wish.isAll ? 'all' : wish.text }
      case 'recurring':
        return { when: wish.when }
      default:
        return wish.due
          ? { when: wish.due.toISOString(), text: wish.text || phrases[language][wish.kind] }
          : { text: wish.text || (wish.kind === 'reminder' ? '' : phrases[language][wish.kind]) }
    }
  },
  async run({ action = 'set', when = '', text = '' }, context) {
    if (action === 'set') return set(when, text.trim(), context)
    if (action === 'cancel') return cancel(text, context)
    const { language, timers, person } = context
    const pending = await timers.pending(person, MAX_LISTED)
    const items = pending.map(timer => itemOf(timer, context))
    return items.length === 0 ? phrases[language].none : phrases[language].list(items)
  },
})
