import type { DocumentLanguage, DocumentProblemName } from '../pack.ts'

const FORGET_VERB =
  '(?:please |can you |could you )*(?:forget|delete|remove|erase|throw away|get rid of)(?: about)?'

const UNITS = { pdf: 'page', html: 'section', markdown: 'section', text: 'line' } as const

const problems: Record<DocumentProblemName, (name: string) => string> = {
  encrypted: name => `I cannot read ${name}: it is protected by a password. Send it without one.`,
  'too-large': name => `I cannot read ${name}: there is too much in it. Send it in parts.`,
  broken: name => `I cannot read ${name}: it is damaged, or not what its name says.`,
  empty: name =>
    `I cannot read ${name}: there is no text in it. If it is scanned, send it with its text recognised.`,
  unknown: name => `I cannot read ${name}: I read PDF, HTML, Markdown and plain text.`,
  gone: name => `I cannot read ${name}: it is not there any more. Send it again.`,
  full: name => `I did not keep ${name}: there are too many documents already. Have me forget some first.`,
}
export const documents: DocumentLanguage = {
  requests: {
    list: [
      /^(?:so,? )?(?:which|what|how many) (?:documents|files|pdfs)(?: of mine)? (?:do you (?:have|know|keep|hold)|have you (?:got|read|kept|stored)|did you (?:read|get|keep)|(?:have|did) i (?:upload(?:ed)?|g[ai]ven?|sen[dt]|shared?)|are there|do i have)(?: (?:you|with you|from me|of mine|now|here|so far|stored|read|already))*$/i,
      /^(?:please |can you |could you )*(?:show|list|tell|give)(?: me)?(?: all)?(?: of)?(?: (?:my|the|your))?(?: uploaded)? (?:documents|files|pdfs)(?: (?:that |which )?(?:you (?:have|know|keep)|i (?:have )?(?:uploaded|gave you|sent you)))?$/i,
      /^(?:all )?my (?:documents|files)$/i,
    ],
    forgetAll: [
      /^(?:please |can you |could you )*(?:forget|delete|remove|erase)(?: about)? (?:all|every|everything in)(?: of)?(?: (?:my|the|your))?(?: uploaded)? (?:documents?|files?|pdfs?)$/i,
    ],
    forget: [
      new RegExp(
        `^${FORGET_VERB}(?: (?:the|my|that|this|your))*(?: uploaded)? (?:documents?|files?|pdfs?)(?: (?:called|named))?(?:[ :]+(.+))?$`,
        'i',
      ),
      new RegExp(`^${FORGET_VERB}(?: (?:the|my|that|this|your))* (.+?) (?:document|file|pdf)$`, 'i'),
      new RegExp(
        `^${FORGET_VERB}(?: (?:the|my|that|this|your))* (\\S.*\\.(?:pdf|md|markdown|te?xt|x?html?))$`,
        'i',
      ),
    ],
    otherSkills:
      /^(?:all )?(?:reminders?|notes?|alarms?|timers?)\b|\b(?:reminders?|notes?) (?:about|on|from|in)\b/i,
  },
  question:
    /[?？]\s*$|^(?:please |can you |could you |hey |so |and )*(?:what|who|whom|whose|when|where|which|how|why|is|are|was|were|does|do|did|can|may|must|should|has|have|will|explain|summari[sz]e|describe|find|look up|according to|in which|tell me|quote|read me)\b/i,
  summaryRequest:
    /\b(?:summari[sz]e|summary|overview|gist)\b|\bwhat(?:'s| is| does) (?:this|that|it|the (?:document|file|pdf)|\S+)(?: (?:about|say))\s*\??$/i,
  questionWords:
    `much many long often any anyone there from by if into under need must may get find give show explain describe
     according document documents file pdf page section chapter say says mention mentions mean means summarise summarize
     have has should shall they he she as than then more most some just also not no only does happens happen`.split(
      /\s+/,
    ),
  questionPhrases:
    /\bhow (?:much|many|high|low|long|short|often|old|big|large|small|tall|far|fast|soon|late|early|wide|deep|heavy|expensive)\b/gi,
  phrases: {
    size: (kind, count) => `${count} ${UNITS[kind]}${count === 1 ? '' : 's'}`,
    problem: (problem, name) => problems[problem](name),
    read: (name, size) => `I have read ${name}: ${size}.`,
    alreadyRead: (name, as, size) => `I have ${name} already${as === undefined ? '' : ` as ${as}`}: ${size}.`,
    none: 'I have no documents of yours.',
    noneYet: 'I have no documents of yours. Send me a PDF, a web page, Markdown or a text file.',
    list: (all, more) =>
      `Your documents:\n${all.map(({ name, size, day }) => `- ${name} (${size}, ${day})`).join('\n')}${
        more > 0 ? `\nand ${more} more.` : ''
      }`,
    unknown: about => `I have no document "${about}".`,
    which: list => `Which one shall I forget?\n${list}`,
    forgotten: names => `I have forgotten ${names.join(', ')}.`,
    cite: (name, { page, section, line }) => {
      if (page !== undefined) return `(${name}, page ${page})`
      if (section !== undefined) return `(${name}, § ${section})`
      return line === undefined ? `(${name})` : `(${name}, line ${line})`
    },
    quoted: (text, cite) => `“${text}” ${cite}`,
  },
}
