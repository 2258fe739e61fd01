import * as z from 'zod'
import { defineSkill } from '#shared/contract/skill.ts'
import { parseChoiceQuestion } from '#shared/language/choices.ts'
import { parseAnswer } from './answers.ts'
import { cancelReminder, parseReminderChoice } from './cancellation.ts'
import { setReminder } from './creation.ts'
import { examples } from './examples.ts'
import { phrases, toReminderItem } from './messages.ts'
import { parseReminderRequest } from './parse.ts'

const MAX_LISTED = 100

export default defineSkill({
  name: 'reminder',
  title: { en: 'a reminder', zh: '提醒' },
  description: 'Reminds at a time; lists and cancels reminders.',
  examples,
  uses: ['timers', 'records'],
  input: z.object({
    action: z.enum(['set', 'list', 'cancel']).optional(),
    when: z.string().optional().describe('e.g. tomorrow 9:00'),
    text: z.string().optional().describe('what of'),
  }),
  async read(text, context) {
    const { saidAt, timeZone, language } = context
    if (parseChoiceQuestion(context.asked)) {
      const { items } = await parseReminderChoice(text, context.asked, context)
      return items.length > 0 ? { action: 'cancel' as const, text } : null
    }
    if (context.asked) return parseAnswer(text, context)
    const wish = await parseReminderRequest(text, { saidAt, timeZone })
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
    if (action === 'set') return setReminder(when, text.trim(), context)
    if (action === 'cancel') return cancelReminder(text, context)
    const { language, timers, person } = context
    const pending = await timers.pending(person, MAX_LISTED)
    const items = pending.map(timer => toReminderItem(timer, context))
    return items.length === 0 ? phrases[language].none : phrases[language].list(items)
  },
})
