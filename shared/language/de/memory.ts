import { answerByWords } from '../memory-answers.ts'
import type { MemoryLanguage } from '../pack.ts'
import { isFirstPersonVerb, toFirstPersonVerb, toSecondPersonVerb } from './verbs.ts'
import { words } from './words.ts'

const PRONOUN_SWAPS: Readonly<Record<string, string>> = {
  ich: 'du',
  mich: 'dich',
  mir: 'dir',
  wir: 'ihr',
  uns: 'euch',
  du: 'ich',
  dich: 'mich',
  dir: 'mir',
}
const OWN = /(?<!\p{L})([MmDd])ein(e[nmrs]?)?(?!\p{L})/gu
const PRONOUN = /(?<!\p{L})(?:ich|mich|mir|wir|uns|du|dich|dir)(?!\p{L})/giu
/** A verb beside its pronoun: after it, or before it. */
const VERB_BEHIND = /(?<!\p{L})(ich|du) (\p{Ll}+)/giu
const VERB_BEFORE = /(?<!\p{L})(\p{Ll}+) (ich|du)(?!\p{L})/giu

const swapVerb = (verb: string, pronoun: string): string => {
  if (pronoun.toLowerCase() === 'du') return toFirstPersonVerb(verb)
  return isFirstPersonVerb(verb) ? toSecondPersonVerb(verb) : verb
}

const toSecondPerson = (text: string): string =>
  text
    .replace(VERB_BEHIND, (_, pronoun: string, verb: string) => `${pronoun} ${swapVerb(verb, pronoun)}`)
    .replace(VERB_BEFORE, (_, verb: string, pronoun: string) => `${swapVerb(verb, pronoun)} ${pronoun}`)
    .replace(PRONOUN, pronoun => PRONOUN_SWAPS[pronoun.toLowerCase()] ?? pronoun)
    .replace(
      OWN,
      (_, letter: string, ending = '') => `${{ m: 'd', M: 'D', d: 'm', D: 'M' }[letter]}ein${ending}`,
    )

const REMEMBER_REQUEST =
  /^(?:(?:bitte|hey|ok|okay|lares|kannst du|könntest du)[,:]?\s+)*(?:merke? dir|behalte?(?: im kopf)?|denk daran|vergiss nicht|merke?)(?: bitte)?(?: das)?(\s*[:,]\s*(?:dass\s+)?|\s+dass\s+|\s+)(.+)$/isu
/** Without "dass" the text after the request may be a thing to do, or a mere name. */
const STATEMENT =
  /(?<!\p{L})(?:ist|sind|bin|war|habe|hat|heiße|heißt|wohne|wohnt|mag|liebe|hasse|esse|arbeite|fahre|spreche)(?!\p{L})|=/iu

const CLAUSE_VERB = 'ist|sind|war|waren|heißt|heißen|lautet|hat|haben|wohnt|kommt|mag|arbeitet'
const THING_CLAUSE = new RegExp(
  `^((?:mein|unser|der|die|das|dein|ihr|sein)\\p{L}*(?: \\p{Ll}+)* \\p{Lu}[\\p{L}-]*) (.+) (${CLAUSE_VERB})$`,
  'u',
)
const OWN_CLAUSE = /^ich (.+) (\p{Ll}+)$/u

/** Turns a clause after "dass" into a main clause: "mein Code 12 ist" becomes "mein Code ist 12". */
function toMainClause(clause: string): string {
  const plain = clause.replace(/[\s.!]+$/, '')
  if (THING_CLAUSE.test(plain)) return plain.replace(THING_CLAUSE, '$1 $3 $2')
  const [, rest, verb] = OWN_CLAUSE.exec(plain) ?? []
  return rest && verb && isFirstPersonVerb(verb) ? `ich ${verb} ${rest}` : plain
}

/** Nouns for attributes that have one value at a time. */
const SINGLE_VALUED_ATTRIBUTE =
  /(?:code|pin|passwort|kennwort|nummer|adresse|geburtstag|name|alter|e-?mail|mailadresse|beruf|telefon|handy|farbe|größe|gewicht|kennzeichen|kombination)$/i

function subjectOf(text: string): string {
  const normalised = text.toLowerCase().replace(/\s+/g, ' ')
  if (/^(?:ich heiße|nenn mich|mein name ist)/.test(normalised)) return 'name'
  if (/^ich wohne/.test(normalised)) return 'home'
  const [, about, value] =
    /^(?:meine?[nrs]? |unsere? |der |die |das )?(.+?)(?: (?:ist|sind|war|waren|lautet|heißt) |\s*=\s*)(.+)$/u.exec(
      normalised,
    ) ?? []
  if (!about || !value) return normalised
  const isSingleValued = SINGLE_VALUED_ATTRIBUTE.test(about) || /lieblings/.test(about) || /\d/.test(value)
  return isSingleValued ? about : normalised
}

export const memory: MemoryLanguage = {
  requests: {
    list: [
      /^(?:sag mir,? )?was (?:weißt|hast) du (?:alles )?(?:über|von) mi(?:ch|r)(?: gemerkt| gespeichert)?$/iu,
      /^was hast du dir (?:alles )?(?:über mich |von mir )?gemerkt$/iu,
      /^(?:sag mir |zeige? (?:mir )?)?alles,? was du über mich weißt$/iu,
      /^zeige? (?:mir )?(?:alle )?(?:meine |deine )?erinnerungen an mich$/iu,
    ],
    forget: [
      /^(?:bitte |kannst du )*vergiss (alles(?:,? was du (?:über mich |von mir )?weißt| über mich)?|mich)$/iu,
      /^(?:bitte |kannst du |könntest du )*vergiss (?:bitte )?(?:,? ?dass |was ich (?:dir )?über |was du über )?(.+?)(?: (?:gesagt habe|weißt))?$/isu,
      /^(?:bitte )?(.+?) (?:kannst|sollst) du vergessen$/isu,
    ],
    everything:
      /^(?:alles|alles,? was du (?:über mich |von mir )?weißt|alles über mich|mich|alle erinnerungen)$/iu,
    forgetLast: [
      /^(?:bitte |kannst du )*vergiss (?:das|dies|es|was ich (?:dir )?(?:gerade|eben|zuletzt) gesagt habe)(?: (?:wieder|bitte|jetzt))+$/iu,
      /^(?:bitte |kannst du )*vergiss (?:das|dies|was ich (?:dir )?(?:gerade|eben|zuletzt) gesagt habe)$/iu,
    ],
    why: [
      /^(?:und |aber )?(?:warum|wieso|weshalb) (?:sagst|denkst|glaubst|meinst) du das$/iu,
      /^(?:und )?woher (?:weißt|hast|kennst) du das$/iu,
      /^wer hat dir das gesagt$/iu,
    ],
    earlier: [
      [
        /^(wie|was|wo|wer|welche\p{L}*) (?:war|lautete|hieß) (mein\p{L}* .+?) (?:vorher|früher|davor|zuvor)$/iu,
        '$1 ist $2',
      ],
      [
        /^(wie|was|wo|wer) (?:war|lautete) mein\p{L}* (?:alte|frühere|vorherige)[rsn]? (.+)$/iu,
        '$1 ist mein $2',
      ],
      [/^wo habe ich (?:vorher|früher|davor) gewohnt$/iu, 'wo wohne ich'],
    ],
    otherSkills: /(?<!\p{L})(?:erinnerung(?:en)?|notiz(?:en)?|wecker|timer|alarme?)(?!\p{L})/iu,
    idiomaticForget: /^(?:es|ihn|sie|ihm|ihr|nicht(?!\p{L}).*|zu(?!\p{L}).*|wie(?!\p{L}).*)$/iu,
  },
  facts: {
    rememberedText(text) {
      const [, link = '', rest] = REMEMBER_REQUEST.exec(text) ?? []
      if (!rest) return undefined
      if (/dass/i.test(link)) return toMainClause(rest)
      return STATEMENT.test(rest) && !/^(?:zu|wann|wie|was)(?!\p{L})/iu.test(rest) ? rest : undefined
    },
    question:
      /\?\s*$|^(?:was|wer|wo|wann|warum|wieso|wie|welche\p{L}*|wessen|woher|wohin|ist|sind|war|kann|kannst|könnte|hast|habe|darf|soll)(?!\p{L})/iu,
    oneself: /(?<!\p{L})(?:ich|mich|mir|meine?[nmrs]?|wir|uns|unsere?[nmrs]?)(?!\p{L})/iu,
    stated: [
      /^mein\p{L}* [\p{L}\d -]{2,50}? (?:ist|sind|war|heißt|lautet) \S/iu,
      /^ich (?:heiße|wohne|arbeite|studiere|komme aus|spreche|fahre|bin in .+ (?:geboren|aufgewachsen)) ?\S/iu,
      /^ich (?:mag|liebe|hasse|esse|trinke|spiele|bevorzuge) (?!es(?!\p{L})|das(?!\p{L})|dich|dein)\S/iu,
      /^ich bin (?:allergisch|aus|verheiratet|vegetarier|veganer|linkshänder|\d+ jahre)/iu,
      /^ich habe (?:einen?|zwei|drei|vier|\d+) (?:\p{Ll}+ )?(?:katzen?|hunde?|haustiere?|söhne?|töchter|tochter|sohn|kind(?:er)?|brüder|bruder|schwestern?|frau|mann|autos?|fahrr[aä]d(?:er)?)(?!\p{L})/iu,
    ],
    command:
      /^(?:(?:bitte|und|dann|kannst du|könntest du)\s+)*(?:sag|sage|gib|zeig|zeige|erinner|erinnere|schick|schreib|lies|übersetz|hilf|lass|mach|stell|ruf|spiel|finde|such|erklär|füge|lösche?|stopp|weck|vergiss)(?!\p{L})/iu,
    leadingFillers:
      /^(?:nein|doch|eigentlich|entschuldigung|ach|oh|warte|korrektur|übrigens|und|auch|aber|also)(?!\p{L})[,:]?\s*/iu,
    changes: [
      [/^ich bin (?:gerade )?nach (.+?) (?:um)?gezogen$/iu, 'ich wohne in $1'],
      [/^(mein\p{L}* .{2,50}?) (?:ist|lautet) (?:jetzt|nun) (?=\S)/iu, '$1 ist '],
      [/^nenn mich (?=\p{Lu})/iu, 'mein Name ist '],
    ],
    subjectOf,
  },
  answer: answerByWords({
    words,
    /** "Wie heiße ich?" asks for the name. */
    normalise: text =>
      text
        .replace(/^(wie) heiße ich(?: noch(?: ?mal)?)?/i, '$1 ist mein name')
        .replace(/ noch(?: ?mal)?(?=\s*\?|$)/i, ''),
    leadingFillers:
      /^(?:(?:bitte|hey|und|also|kannst du mir sagen|weißt du(?: noch)?|sag mir|erinnerst du dich(?: noch)?)[,:]?\s+)+(?=was|wer|wo|wann|wie|welche|mein)/iu,
    bareQuestion: /^mein/i,
    bareQuestionPrefix: 'was ist ',
    bareActivity: /^ich(?!\p{L})/iu,
    forms: [
      {
        of: 'own',
        form: /^(?:wie|was|wo|wann|wer|welche\p{L}*)(?: genau)? (?:ist|sind|war|lautet|lauten|heißt|heißen)(?: noch)?(?: ?mal)? (.*(?<!\p{L})mein\p{L}*.*)$/iu,
      },
      {
        of: 'activity',
        form: /^(?:was|wo|wen|wann|wie|woher|welche\p{L}*)(?: \p{L}+)? (\p{Ll}+ ich(?!\p{L}).*)$/iu,
      },
      { of: 'thing', form: /^(?:was|wo|wie|wann) (?:ist|sind|war|lautet) ((?:der|die|das) .+)$/iu },
    ],
    subject: text => /^(.+?)\s(?:ist|sind|war|waren|lautet|heißt|=)\s/iu.exec(text)?.[1] ?? '',
    saysName: /(?<!\p{L})(?:heiße|heißt|heißen)(?!\p{L})/u,
    nameWord: 'name',
    ownThing: /(?<!\p{L})(?:mein|der|die|das)/iu,
    /** "Name meiner Schwester", "Annas Name". */
    owner: text => /(?:meine[rs]|des) (\p{Lu}\p{L}+)/u.exec(text)?.[1] ?? '',
    ownActivity: /^ich(?!\p{L})/iu,
  }),
  toSecondPerson,
  toSentence(text) {
    const said = toSecondPerson(text).replace(/[\s.!]+$/u, '')
    return `${said.charAt(0).toUpperCase()}${said.slice(1)}.`
  },
  sentenceSeparator: ' ',
  phrases: {
    remembered: fact => `Ich merke mir: ${fact}.`,
    known: (list, more) =>
      `Das weiß ich über dich:\n${list}${more > 0 ? `\nund ${more} weitere Dinge.` : ''}`,
    nothingKnown: 'Ich weiß noch nichts über dich. Sag mir, was ich mir merken soll.',
    forgotten: about => `Darüber weiß ich nichts mehr: ${about}.`,
    forgottenAll: 'Ich weiß nichts mehr über dich.',
    forgottenLast: 'Das habe ich vergessen.',
    whichToForget: list =>
      `Meine letzte Antwort kam aus mehreren Dingen. Welches soll ich vergessen?\n${list}`,
    forgottenThose: 'Die habe ich vergessen.',
    keptAll: 'Gut, ich vergesse keines davon.',
    nothingUsed: 'Meine letzte Antwort kam aus nichts, was ich mir merken sollte.',
    forgottenSince: 'Sie kam aus etwas, das ich inzwischen vergessen habe.',
    because: list => `Weil du mir das gesagt hast:\n${list}`,
    source: (day, isHere) => `am ${day}, in ${isHere ? 'diesem' : 'einem anderen'} Gespräch`,
    earlier: (answer, day) => `Bis ${day} war es so: ${answer}`,
    noEarlier: 'Ich weiß nicht, wie es vorher war.',
  },
}
