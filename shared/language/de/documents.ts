import type { DocumentLanguage, DocumentProblemName } from '../pack.ts'

const THING = '(?:dokumente?|dateien?|datei|unterlagen|pdfs?)'
const FORGET = '(?:bitte |kannst du )*(?:vergiss|lösche?|entferne?|wirf)'
const form = (pattern: string): RegExp => new RegExp(`^${pattern}$`, 'iu')

const UNITS = {
  pdf: ['Seite', 'Seiten'],
  html: ['Abschnitt', 'Abschnitte'],
  markdown: ['Abschnitt', 'Abschnitte'],
  text: ['Zeile', 'Zeilen'],
} as const

const problems: Record<DocumentProblemName, (name: string) => string> = {
  encrypted: name => `Ich kann ${name} nicht lesen: Die Datei hat ein Passwort. Schick sie ohne.`,
  'too-large': name => `Ich kann ${name} nicht lesen: Sie enthält zu viel. Schick sie in Teilen.`,
  broken: name => `Ich kann ${name} nicht lesen: Sie ist beschädigt oder nicht das, was ihr Name sagt.`,
  empty: name =>
    `Ich kann ${name} nicht lesen: Sie enthält keinen Text. Wenn sie gescannt ist, schick sie mit Texterkennung.`,
  unknown: name => `Ich kann ${name} nicht lesen: Ich lese PDF, HTML, Markdown und einfachen Text.`,
  gone: name => `Ich kann ${name} nicht lesen: Sie ist nicht mehr da. Schick sie noch einmal.`,
  full: name =>
    `Ich habe ${name} nicht behalten: Es sind schon zu viele Dokumente. Lass mich erst einige vergessen.`,
}

export const documents: DocumentLanguage = {
  requests: {
    list: [
      form(
        `(?:welche|was für|wie viele) ${THING} (?:hast du(?: von mir)?|habe ich|gibt es|kennst du)(?: gespeichert)?`,
      ),
      form(`(?:zeige?|liste?|nenne?)(?: mir)?(?: alle)?(?: meine| die)? ${THING}(?: auf| an)?`),
      form(`(?:alle )?meine ${THING}`),
    ],
    forgetAll: [form(`${FORGET} alle(?: meine| die)? ${THING}`)],
    forget: [
      form(`${FORGET}(?: (?:das|die|den|mein|meine))? ${THING}(?: (?:namens|mit dem namen))?(?:[ :]+(.+))?`),
      form(`${FORGET}(?: (?:das|die|den|mein|meine))? (.+?)[- ]${THING}`),
      form(`${FORGET}(?: (?:das|die|den|mein|meine))? (\\S.*\\.(?:pdf|md|markdown|te?xt|x?html?))`),
    ],
    otherSkills: /(?<!\p{L})(?:erinnerung(?:en)?|notiz(?:en)?|wecker|timer)(?!\p{L})/iu,
  },
  question:
    /^(?:bitte |kannst du |und |also )*(?:was|wer|wen|wem|wessen|wann|wo|woher|welche\p{L}*|wie|warum|wieso|ist|sind|war|gibt|hat|kann|darf|muss|soll|erklär\p{L}*|fasse?|beschreib\p{L}*|finde?|such\p{L}*|laut|sag mir|lies)(?!\p{L})/iu,
  summaryRequest:
    /(?<!\p{L})(?:zusammenfass\p{L}*|fasse? .*zusammen|überblick|worum geht es|wovon handelt)(?!\p{L})|(?<!\p{L})was steht in (?:diesem|dem|der|dieser) (?:dokument|datei|pdf)\s*\??$/iu,
  questionWords:
    `viel viele lange oft gibt finden find zeig zeige erkläre beschreibe laut dokument dokumente datei pdf seite abschnitt
     kapitel sagt steht bedeutet heißt muss müssen darf kann soll sollen sie er als mehr nur auch nicht kein`.split(
      /\s+/,
    ),
  questionPhrases:
    /(?<!\p{L})wie (?:viele?|hoch|niedrig|lange?|kurz|oft|alt|groß|klein|weit|schnell|bald|spät|früh|breit|tief|schwer|teuer)(?!\p{L})/giu,
  phrases: {
    size: (kind, count) => `${count} ${UNITS[kind][count === 1 ? 0 : 1]}`,
    problem: (problem, name) => problems[problem](name),
    read: (name, size) => `Ich habe ${name} gelesen: ${size}.`,
    alreadyRead: (name, as, size) =>
      `Ich habe ${name} schon${as === undefined ? '' : ` als ${as}`}: ${size}.`,
    none: 'Ich habe keine Dokumente von dir.',
    noneYet:
      'Ich habe keine Dokumente von dir. Schick mir ein PDF, eine Webseite, Markdown oder eine Textdatei.',
    list: (all, more) =>
      `Deine Dokumente:\n${all.map(({ name, size, day }) => `- ${name} (${size}, ${day})`).join('\n')}${
        more > 0 ? `\nund ${more} weitere.` : ''
      }`,
    unknown: about => `Ich habe kein Dokument „${about}“.`,
    which: list => `Welches soll ich vergessen?\n${list}`,
    forgotten: names => `Vergessen: ${names.join(', ')}.`,
    cite: (name, { page, section, line }) => {
      if (page !== undefined) return `(${name}, Seite ${page})`
      if (section !== undefined) return `(${name}, § ${section})`
      return line === undefined ? `(${name})` : `(${name}, Zeile ${line})`
    },
    quoted: (text, cite) => `„${text}“ ${cite}`,
  },
}
