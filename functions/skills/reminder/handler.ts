import * as z from 'zod'
import { defineSkill } from '#shared/contract/skill/skill.ts'
import { parseChoiceQuestion } from '#shared/language/choices.ts'
import { byTag, packFor, packs } from '#shared/language/packs.ts'
import { parseAnswer } from './answers.ts'
import { cancelReminder, parseReminderChoice } from './cancellation.ts'
import { setReminder } from './creation.ts'
import { bulletList, countUnlisted, toReminderItem } from './messages.ts'
import { parseReminderRequest } from './parse.ts'

const MAX_LISTED = 100
/** A model uses this word too. */
const ALL = 'all'

export default defineSkill({
  name: 'reminder',
  title: byTag(({ reminder }) => reminder.title),
  description: 'Reminds at a time; lists and cancels reminders.',
  examples: packs.flatMap(({ reminder }) => reminder.examples),
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
    const { phrases } = packFor(language).reminder
    const wish = await parseReminderRequest(text, { saidAt, timeZone, language })
    if (!wish) return null
    switch (wish.kind) {
      case 'list':
        return { action: 'list' as const }
      case 'cancel':
        return { action: 'cancel' as const, text: wish.isAll ? ALL : wish.text }
      case 'recurring':
        return { when: wish.when }
      default:
        return wish.due
          ? { when: wish.due.toISOString(), text: wish.text || phrases[wish.kind] }
          : { text: wish.text || (wish.kind === 'reminder' ? '' : phrases[wish.kind]) }
    }
  },
  async run({ action = 'set', when = '', text = '' }, context) {
    if (action === 'set') return setReminder(when, text.trim(), context)
    if (action === 'cancel') return cancelReminder(text, context)
    const { language, timers, person } = context
    const pending = await timers.pending(person, MAX_LISTED)
    const items = pending.map(timer => toReminderItem(timer, context))
    const { phrases } = packFor(language).reminder
    return items.length === 0 ? phrases.none : phrases.list(bulletList(items), countUnlisted(items))
  },
})
