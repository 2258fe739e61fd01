import type { AnswerLanguage } from '../pack.ts'

export const answers: AnswerLanguage = {
  leadingFillers:
    /^(?:(?:ok|okay|yes|yeah|um|uh|well|please|just|i (?:mean|meant|want|wanted)|it's|that's|cancel|delete|remove|drop|erase|forget|get rid of|the ones?(?: (?:about|to|for|with|that says|saying))?|the|that|my|number|no\.|option|about|to)(?=$|[ ,])|[# ,])+/,
  trailingFillers: /(?: (?:ones?|please|thanks|thank you|reminders?|alarms?|timers?|notes?)|[ .!~])+$/,
  all: /^(?:all|both|every one|everything)(?: (?:of )?(?:them|those|these|two|three))?$/,
  separator: / ?(?:,|&|\band\b) ?(?:and )?(?:the )?/,
  last: /^(?:very )?last$/,
  listNumber: /^(\d{1,2})(?:st|nd|rd|th)?$/,
  ordinals: [
    /^first$/,
    /^second$/,
    /^third$/,
    /^fourth$/,
    /^fifth$/,
    /^sixth$/,
    /^seventh$/,
    /^eighth$/,
    /^ninth$/,
    /^tenth$/,
  ],
  neverMind:
    /^(?:(?:oh|ah|ok|okay|well|actually|no),? *)*(?:never ?mind|forget (?:it|about it)|cancel(?: it| that)?|stop|leave it|neither|none|no(?: thanks| thank you)?|nothing|it doesn'?t matter)[\s.!~]*$/i,
  either: {
    first: /^(?:first|1st|former|1|one|a)$/,
    second: /^(?:second|2nd|latter|last|2|two|b)$/,
    leadingFillers:
      /^(?:(?:i (?:meant|mean|want|wanted)|it'?s|its|that'?s|yes|yeah|the|an?|your|my|please|option|number|use|with)(?: |$))+/,
    trailingFillers: /(?: (?:one|please|thanks)|[\s.!?,~])+$/,
  },
}
