import type { ReminderLanguage } from '../skill-language.ts'

const LIST =
  /^(?:(?:list|show|see|read|display|view)\b.*\b(?:reminders?|alarms?|timers?)\b(?! to\b)|(?:tell|give) me .*\b(?:reminders|alarms|timers)\b|(?:what|which|how many|do i have|have i|are there|any|is there)\b.*\b(?:reminders?|alarms?|timers?)\b|(?:all )?(?:my )?(?:open |pending |upcoming )?reminders$|what (?:will|are) you (?:going to )?remind(?:ing)? me\b)/i
const BARE_HOUR = /^(?:\d{1,2}(?:[:.]\d\d)?|[a-z]+)$/i
const PART_OF_DAY = /^in the (morning|afternoon|evening)$/i

export const reminder: ReminderLanguage = {
  title: 'a reminder',
  examples: [
    'remind me in ten minutes to drink water',
    'remind me to call the dentist tomorrow at 9',
    'remind me at 5pm to pick up the kids',
    'please remind me of the appointment at 4',
    'I need a reminder to send the invoice next Tuesday',
    'set a reminder for Monday morning to pay the rent',
    'set an alarm for 7 am',
    'set a timer for 20 minutes',
    'countdown 10 minutes',
    'wake me up at six thirty',
    'please remind me about dinner at 8',
    'remember to buy milk on the way home',
    "don't let me forget to water the plants tonight",
    'give me a reminder in an hour',
    'what reminders do I have?',
    'show my reminders',
    'list all my reminders',
    'cancel the reminder to drink water',
    'stop the timer',
    'delete my reminder about the rent',
  ],
  politePrefix:
    /^(?:(?:hey|hi|hello|ok|okay|lares|please|pls|kindly|could|can|would|will|you|i(?:'d| would) like(?: you)? to|i want(?: you)? to|i need(?: you)? to|and|also|so)\b[,:，]?\s*)+/i,
  politeSuffix: /[\s.!?,;~]*(?:\b(?:please|pls|thanks|thank you|thx|ok|okay)\b[\s.!?,~]*)*$/i,
  isList: text => LIST.test(text),
  cancel: [
    /^(?:cancel|never mind|forget|delete|remove|drop|clear|stop|turn off|switch off|get rid of|dismiss|erase)\b\s*(.*\b(?:reminders?|alarms?|timers?)\b.*)$/i,
    /^(?:don't|do not|you need not|no need to|stop) remind(?:ing)? me\b(.*)$/i,
  ],
  all: /\b(?:all|every|everything)\b|\breminders$|\balarms$|\btimers$/i,
  allQuery: /^(?:all|every|everything)$/i,
  nonSubjectWords:
    /\b(?:all|every|of|the|my|our|that|this|set|called|named|reminders?|alarms?|timers?|to|about|for|at)\b/gi,
  recurrence:
    /\b(?:every|each)\s+(?:(?:other|second|single|\d+|two|three|few|last|first)\s+)*(?:day|morning|noon|afternoon|evening|night|week(?:day|end)?|month|year|hour|minute|second|mon|tues|wednes|thurs|fri|satur|sun)(?:day)?s?\b|\b(?:daily|weekly|monthly|hourly|yearly|annually)(?:\s+(?:at|on|to|please)\b|\s*$)|\b(?:mon|tues|wednes|thurs|fri|satur|sun)days\b|\bonce an? (?:day|week|month|hour)\b/i,
  cues: [
    [/\b(?:timer|countdown|count down)\b/i, 'timer'],
    [/\b(?:wake me(?: up)?|(?:an? |the |my )?alarm)\b/i, 'alarm'],
    [
      /\b(?:(?:be )?reminded|(?:remind|notify|alert|ping|nudge)(?: ?me)?|(?:set|make|create|add|give me|schedule|need|want|put|start)(?: me)?(?: up)?(?: an?| the| another)?(?: new)? (?:reminder|alert)|reminder)\b(?: again)?/i,
      'reminder',
    ],
    [
      /\b(?:do not|don't|dont|never) (?:let me )?forget\b(?= to\b| about\b)|\bremember(?= to\b)|\b(?:do not|don't|dont) let me forget\b/i,
      'reminder',
    ],
    [/\b(?:let me know|tell me|call me|text me)\b/i, 'time'],
  ],
  subjectFillers: {
    leading: /^(?:(?:to|that|about|of|for|saying|when|it's time|the|an?)\b[,:]?\s*|[,:;\s"“”-]+)+/i,
    trailing: /(?:\s+(?:to|at|by|for|that|about|and)|[\s,:;"“”-])+$/i,
  },
  /** Fillers around a text that comes before the request: "set a pizza timer", "tomorrow at 6 I need a reminder". */
  subjectFillersBefore: {
    leading:
      /^(?:(?:and|also|please|i|want|need|set|start|make|create|add|give|me|put|an?|the|my|new|so|up|have|to)\b[,:]?\s*|[,:;\s"“”-]+)+/i,
    trailing: /(?:\s*\b(?:to|at|on|in|for|an?|the|and|please|me|new|set|i|need)|[\s,:;"“”-])+$/i,
  },
  answerFillers: {
    leading:
      /^(?:(?:well|ok|okay|yes|sure|um|uh|hm+|please|maybe|perhaps|say|let's say|how about|what about|make (?:it|that)|remind me|that(?:'s| is)|it(?:'s| is)|let me know)\b[\s,]*|[\s,.]+)+/i,
    trailing:
      /(?:\s*\b(?:please|pls|thanks|thank you|then|(?:is|would be|will be|sounds) (?:good|fine|great|ok|okay|perfect)|or so)\b|[\s.!?,~])+$/i,
  },
  answerLead: /^(?:to|about|of|that)\s+/i,
  about: /^(?:to|about|of|that)\s+(.+)$/i,
  toMomentPhrase(answer) {
    if (BARE_HOUR.test(answer)) return `at ${answer}`
    const partOfDay = PART_OF_DAY.exec(answer)?.[1]
    return partOfDay ? `${partOfDay === 'morning' ? 'tomorrow' : 'this'} ${partOfDay}` : answer
  },
  formatDue: ({ date, near }, clock) => `${near ?? `on ${date}`} at ${clock}`,
  phrases: {
    reminder: 'this is what you wanted to be reminded of',
    alarm: 'this is what you wanted to be reminded of',
    timer: 'the time is up',
    set: ({ text, due }) => `I will remind you ${due}: ${text}`,
    when: text =>
      `When shall I remind you${text ? ` (${text})` : ''}? Say for example "tomorrow at 9" or "in an hour".`,
    what: due => `What shall I remind you of ${due}?`,
    past: due => `That time is over (${due}), so I cannot remind you then.`,
    tooFar: 'That is too far away: I can remind you within ten years.',
    tooMany: 'You have too many reminders already. Cancel some first.',
    tooLong: 'That is too long for a reminder. Save it as a note, and have me remind you of the note.',
    recurring:
      'I can remind you once, not again and again. Say for example "remind me tomorrow at 8 to take my pills".',
    none: 'You have no reminders.',
    list: (list, more) => `Your reminders:\n${list}${more > 0 ? `\nand ${more} more.` : ''}`,
    cancelled: ({ text, due }) => `Cancelled: ${text} (${due}).`,
    cancelledAll: count =>
      count === 1 ? 'Cancelled your one reminder.' : `Cancelled all ${count} reminders.`,
    cancelledThese: list => `Cancelled:\n${list}`,
    over: 'It is over already, so there is nothing left to cancel.',
    unknown: list => `I find no such reminder. Your reminders:\n${list}`,
    which: list => `Which one shall I cancel?\n${list}`,
  },
}
