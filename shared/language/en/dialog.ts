import type { Activity, DialogPhrases, FailedPart } from '../pack.ts'

const activityText = (activity: Activity): string => {
  if (activity === 'none') return 'Nothing is running.'
  return activity === 'model'
    ? 'The language model is writing an answer.'
    : `At work: ${activity.skills.join(', ')}.`
}

const PART_NAMES = {
  understanding: 'understanding the message',
  memory: 'the memory',
  model: 'the language model',
  conversation: 'the conversation',
} as const

const partName = (part: FailedPart): string =>
  typeof part === 'string' ? PART_NAMES[part] : `the skill "${part.skill}"`

export const dialog: DialogPhrases = {
  interrupted: '(Interrupted.)',
  noAnswer: 'The language model gave no answer. Please ask again in other words.',
  queueFull:
    'Too many messages are waiting for an answer, so this one was not taken. Please send it again later.',
  freshStart: 'A fresh start: what was said before is not considered any more.',
  nothingToStop: 'Nothing is running.',
  stopped: 'Stopped.',
  neverMind: 'All right, never mind.',
  whichSkill: (first, second) => `Did you mean ${first} or ${second}?`,
  unknownCommand: command => `There is no command /${command}. Send /help to see what there is.`,
  help: (name, skillLines) =>
    [
      `I am ${name}. Ask me anything.`,
      ...(skillLines === '' ? [] : [`My skills:\n${skillLines}`]),
      'Commands:\n/help: this list\n/new: a fresh start\n/stop: stops the answer and what waits\n/status: what is being done',
    ].join('\n\n'),
  status: (activity, waiting) => {
    const queue = waiting === 1 ? ' 1 message waits.' : ` ${waiting} messages wait.`
    return `${activityText(activity)}${waiting > 0 ? queue : ''}`
  },
  apology: (part, isSlow) =>
    `Sorry, I could not answer this: ${partName(part)} ${isSlow ? 'took too long' : 'failed'}. Please try again later.`,
  reminder: text => `Reminder: ${text}`,
  lateReminder: (text, due) => `Reminder, late: ${text} (due ${due})`,
}
