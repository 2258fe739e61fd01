import { answerByWords } from '../memory-answers.ts'
import type { MemoryLanguage } from '../pack.ts'
import { words } from './words.ts'

const PRONOUN_SWAPS: Readonly<Record<string, string>> = {
  'i am': 'you are',
  'am i': 'are you',
  'i was': 'you were',
  'was i': 'were you',
  "i'm": 'you are',
  "i've": 'you have',
  "i'll": 'you will',
  "i'd": 'you would',
  i: 'you',
  me: 'you',
  my: 'your',
  mine: 'yours',
  myself: 'yourself',
  // Here "you" is the assistant.
  'you are': 'I am',
  "you're": 'I am',
  your: 'my',
  yours: 'mine',
  yourself: 'myself',
}
const PRONOUNS =
  /\b(?:I (?:am|was)|(?:am|was) I|I(?:'m|'ve|'ll|'d)?|me|my|mine|myself|you are|you're|(you) (?=can|will|should|must|have|were|may)|you|your|yours|yourself)\b/gi

/** "you" becomes "I" before a verb that marks it as the subject, else "me". */
const toSecondPerson = (text: string): string =>
  text
    .replaceAll('’', "'")
    .replace(PRONOUNS, (word, subject?: string) =>
      subject ? 'I ' : (PRONOUN_SWAPS[word.toLowerCase()] ?? 'me'),
    )

const POLITE_PREFIX =
  '(?:(?:please|hey|ok|okay|lares|can you|could you|will you|would you|i want you to)[,:]?\\s+)*'
const REMEMBER_REQUEST = new RegExp(
  `^${POLITE_PREFIX}(?:remember|rem[em]{1,2}ber|keep in mind|memori[sz]e|(?:don't|do not|never) forget)(?:\\s+this)?(\\s+that\\s+|\\s*[:,]\\s*|\\s+)(.+)$`,
  'is',
)
/** Without "that" the text after the request may be a thing to do, or a mere name. */
const STATEMENT =
  /^(?!to\b|when\b|how\b|what\b).*?(?:\b(?:is|are|am|was|were|have|has|live|lives|like|likes|love|hate|prefer|work|works|drive|speak)\b|=|\bi'm\b)/is

/** Nouns for attributes that have one value at a time. */
const SINGLE_VALUED_ATTRIBUTE =
  /(?:code|pin|password|passcode|number|address|birthday|name|age|email|e-mail|job|phone|colou?r|size|height|weight|combination|plate)$/i

function subjectOf(text: string): string {
  const normalised = words.normaliseSpelling!(text.toLowerCase().replace(/\s+/g, ' '))
  if (/^(?:i am called|call me|my name is)/.test(normalised)) return 'name'
  if (/^i live/.test(normalised)) return 'home'
  const [, about, value] =
    /^(?:my |the |our )?(.+?)(?: (?:is|are|was|were) |\s*=\s*)(.+)$/u.exec(normalised) ?? []
  if (!about || !value) return normalised
  const isSingleValued =
    SINGLE_VALUED_ATTRIBUTE.test(about) || about.includes('favourite') || /\d/.test(value)
  return isSingleValued ? about : normalised
}

export const memory: MemoryLanguage = {
  requests: {
    list: [
      /^(?:so,? )?(?:tell me )?what (?:do|did|have) you (?:know|remember|learn(?:ed|t)?|have stored|saved?) (?:about|on) me\b/i,
      /^(?:tell me |show me |list )?(?:everything|all) (?:that )?you (?:know|remember) about me\b/i,
      /^(?:show|list) (?:me )?(?:all )?(?:my |your )memories\b/i,
    ],
    forget: [
      /^(?:please |can you |could you |you can )*forget (?:about |that |what i said about |what you know about )?(.+)$/is,
    ],
    everything:
      /^(?:everything|all)(?: (?:that )?you know)?(?: (?:about|on) me)?$|^(?:me|my memories|all my memories)$/i,
    forgetLast: [
      /^(?:please |can you |could you |you can )*forget (?:that|this|what i (?:just )?(?:said|told you))(?: (?:again|please|now))?$/i,
    ],
    why: [
      /^(?:and |but )?(?:why (?:did|do|would) you (?:say|think|believe|know) (?:that|this|so|it)|how (?:do|did|come) you know(?: (?:that|this|it))?|where (?:did|do) you (?:get|know|hear|learn|have) (?:that|this|it)(?: from)?|who told you (?:that|this|so)|what makes you (?:say|think) (?:that|this|so))$/i,
    ],
    /** "what was my code before?", "what did my code use to be?" */
    earlier: [
      [
        /^(what|where|who|which|when)(?:'s| is| was| were)? (my .+?) (?:before(?: that)?|previously|earlier|until then)$/i,
        '$1 is $2',
      ],
      [
        /^(what|where|who|which|when)(?:'s| is| was| were)? my (?:old|previous|former|earlier) (.+)$/i,
        '$1 is my $2',
      ],
      [/^(what|where|who|which) (?:did|was) (my .+?) used? to be$/i, '$1 is $2'],
      [/^(where) (?:did|was) i (?:used? to )?live (?:before(?: that)?|previously|earlier)$/i, '$1 do I live'],
      [/^(where) did i use to live$/i, '$1 do I live'],
    ],
    otherSkills: /\b(?:reminders?|notes?|alarms?|timers?)\b/i,
    idiomaticForget: /^(?:it|this|that|him|her|them|to\b.*|how\b.*)$/i,
  },
  facts: {
    rememberedText(text) {
      const [, link = '', rest] = REMEMBER_REQUEST.exec(text) ?? []
      return rest && (link.trim() !== '' || STATEMENT.test(rest)) ? rest : undefined
    },
    question:
      /\?\s*$|^(?:what|who|where|when|why|how|which|whose|do|does|did|is|are|am|was|were|can|could)\b/i,
    oneself: /\b(?:i|my|me|mine|we|our|us)\b/i,
    stated: [
      /^my [\p{L}\p{N}' -]{2,50}? (?:is|are|was) \S/iu,
      /^(?:i am called|i live|i work|i study|i was born|i come from|i speak|i drive|i grew up) \S/i,
      /^i (?:really |also |do not |don't |usually |mostly |always |never )?(?:like|love|hate|prefer|enjoy|dislike|eat|drink|play) (?!it\b|that\b|this\b|you\b|your\b|the way\b|how\b|these\b|those\b)\S/i,
      /^i(?: am|'m) (?:allergic|from|married|vegetarian|vegan|left-handed|(?:a|an) (?!bit\b|little\b)\S|\d+ years)/i,
      /^i have (?:a|an|one|two|three|four|five|\d+) (?:\S+ )?(?:cats?|dogs?|pets?|sons?|daughters?|children|child|kids?|brothers?|sisters?|siblings|wife|husband|partner|cars?|bikes?|bicycles?|horses?)\b/i,
    ],
    command:
      /^(?:(?:please|and|then|just|can you|could you|will you|would you)\s+)*(?:tell|give|show|remind|send|write|read|translate|help|let|make|set|call|play|find|explain|add|delete|cancel|stop|wake|forget)\b/i,
    leadingFillers:
      /^(?:no|nope|actually|sorry|well|oh|wait|correction|by the way|btw|and|also|but|now)\b[,:，]?\s*/i,
    changes: [
      [/^i(?:'ve| have)?(?: just)? moved to (?=\S)/i, 'I live in '],
      [/^(my .{2,50}?) (?:has |was )?(?:been )?changed to (?=\S)/i, '$1 is '],
      [/^(my .{2,50}?) is now (?=\S)/i, '$1 is '],
      [
        /^call me(?! (?:a|an|the|back|later|now|when|if|at|on|in|tomorrow|tonight|today|again|soon|please)\b) (?=\S)/i,
        'my name is ',
      ],
    ],
    subjectOf,
  },
  answer: answerByWords({
    words,
    /** Many people write "whats". */
    normalise: text => text.replace(/^whats\b/i, "what's"),
    leadingFillers:
      /^(?:(?:please|hey|and|so|can you|could you|do you (?:still )?(?:know|remember)|remind me|tell me)[,:]?\s+)+(?=what|who|where|when|which|my|again)/i,
    again: /^again[,:]?\s+/i,
    /** "Please tell me my code" is a question too. */
    bareQuestion: /^my\b/i,
    bareQuestionPrefix: 'what is ',
    bareActivity: /^I\b/,
    forms: [
      {
        of: 'own',
        form: /^(?:what(?:'s| is| are| was)?|when(?:'s| is)|who(?:'s| is| are)|where(?:'s| is| are)|which is|how old is|tell me|say) (?:again )?(?:the )?(.*\bmy\b.*)$/i,
      },
      { of: 'own', form: /^(?:what|which) (?:\S+ )?is ((?:my|mine)\b.*)$/i },
      { of: 'activity', form: /^(?:what|where|which|who|when)(?: \w+)? (?:do|am|did|was|have) I\b(.*)$/i },
      { of: 'activity', form: /^(?:what do |whom do )?I\b(.*)$/i },
      { of: 'thing', form: /^(?:what(?:'s| is| are| was)?|where(?:'s| is| are)|tell me) (the .+)$/i },
    ],
    subject: text => /^(.+?)\s(?:is|are|was|were|=)\s/i.exec(text)?.[1] ?? '',
    /** "my sister is called Anna" gives my sister's name. */
    saysName: /\b(?:called|named)\b/,
    nameWord: 'name',
    ownThing: /\b(?:my|the)\b/i,
    owner: text => /(\w+)'s\b/.exec(text)?.[1] ?? '',
    ownActivity: /^I\b/i,
  }),
  toSecondPerson,
  toSentence(text) {
    const said = toSecondPerson(text).replace(/[\s.。!！]+$/u, '')
    return `${said.charAt(0).toUpperCase()}${said.slice(1)}.`
  },
  sentenceSeparator: ' ',
  phrases: {
    remembered: fact => `I will remember that ${fact}.`,
    known: (list, more) => `This is what I know about you:\n${list}${more > 0 ? `\nand ${more} more.` : ''}`,
    nothingKnown: 'I know nothing about you yet. Tell me what to remember.',
    forgotten: about => `I no longer remember anything about this: ${about}.`,
    forgottenAll: 'I no longer remember anything about you.',
    forgottenLast: 'I have forgotten it.',
    whichToForget: list => `My last answer came from more than one thing. Which one shall I forget?\n${list}`,
    forgottenThose: 'I have forgotten them.',
    keptAll: 'All right, I forget none of them.',
    nothingUsed: 'My last answer came from nothing that you told me to remember.',
    forgottenSince: 'It came from something that I have forgotten since.',
    because: list => `Because of what you told me:\n${list}`,
    source: (day, isHere) => `on ${day}, in ${isHere ? 'this' : 'another'} conversation`,
    earlier: (answer, day) => `Until ${day} it was this: ${answer}`,
    noEarlier: 'I know of nothing that it was before.',
  },
}
