import type { ReminderLanguage } from '../skill-language.ts'

const LIST =
  /^(?:(?:zeige?|liste?|nenne?|sage?|lies)(?: mir)?(?: bitte)?(?: alle)?(?: meine| die)? .*(?:erinnerungen|wecker|timer)(?: auf| an| vor)?|(?:welche|was für|wie viele|wieviele|gibt es|habe ich|hab ich|stehen) .*(?:erinnerungen?|wecker|timer).*|(?:alle )?(?:meine )?(?:offenen )?erinnerungen|woran (?:wirst|musst|sollst|willst) du mich (?:alles )?(?:noch )?erinnern)$/i
const THING = '(?:erinnerung(?:en)?|wecker|alarme?|timer)'
const WEEKDAY = '(?:montag|dienstag|mittwoch|donnerstag|freitag|samstag|sonnabend|sonntag)'

export const reminder: ReminderLanguage = {
  title: 'eine Erinnerung',
  examples: [
    'erinnere mich in zehn Minuten daran, Wasser zu trinken',
    'erinnere mich morgen um 9 an den Zahnarzt',
    'erinnere mich um 17 Uhr daran, die Kinder abzuholen',
    'bitte erinnere mich an den Termin um 4',
    'kannst du mich nächsten Dienstag an die Rechnung erinnern?',
    'ich brauche eine Erinnerung für Montag früh: Miete überweisen',
    'erinner mich heute Abend ans Blumengießen',
    'stell einen Wecker auf 7 Uhr',
    'stell einen Timer auf 20 Minuten',
    'weck mich um halb sieben',
    'Timer 10 Minuten',
    'lass mich nicht vergessen, die Pflanzen zu gießen',
    'welche Erinnerungen habe ich?',
    'zeig meine Erinnerungen',
    'meine Erinnerungen',
    'lösche die Erinnerung ans Wassertrinken',
    'stopp den Timer',
    'lösche meine Erinnerung an die Miete',
    'erinnere mich nicht mehr an den Arzt',
  ],
  politePrefix:
    /^(?:(?:hey|hi|hallo|ok|okay|lares|bitte|und|auch|also|mal|könntest du|kannst du|würdest du|kann ich|ich möchte|ich will)(?!\p{L})[,:]?\s*)+/iu,
  politeSuffix: /[\s.!?,;~]*(?:(?<!\p{L})(?:bitte|danke|dankeschön|ok|okay)(?!\p{L})[\s.!?,~]*)*$/iu,
  isList: text => LIST.test(text),
  cancel: [
    new RegExp(
      `^(?:lösche?|storniere?|streiche?|entferne?|stoppe?|beende|vergiss|schalte?|mach|brich|sage?|nimm)(?!\\p{L})\\s*(.*(?<!\\p{L})${THING}(?!\\p{L}).*?)(?: (?:ab|aus|weg|löschen))?$`,
      'iu',
    ),
    /^(?:erinnere?|erinner) mich (?:bitte )?(?:doch )?nicht(?: mehr)?(?!\p{L})(.*)$/iu,
    new RegExp(
      `^((?:alle |meine |die |den )*${THING}(?!\\p{L}).*?) (?:löschen|streichen|stornieren|abbrechen|stoppen)$`,
      'iu',
    ),
  ],
  all: /(?<!\p{L})(?:alle[sn]?|sämtliche|jede)(?!\p{L})|erinnerungen$|timer$|wecker$/iu,
  allQuery: /^(?:alle[sn]?|sämtliche|beide)$/i,
  nonSubjectWords:
    /(?<!\p{L})(?:alle[sn]?|sämtliche|die|den|der|das|dem|eine?[nrms]?|meinen?|meine[rn]?|diese[nrs]?|gestellten?|erinnerung(?:en)?|wecker|alarme?|timer|an|ans|zum|zur|von|vom|für|über|um|mit|daran|dass|zu)(?!\p{L})/giu,
  recurrence: new RegExp(
    `(?<!\\p{L})(?:jede[nrsm]?\\s+(?:(?:zweite[nrs]?|dritte[nrs]?|ersten?|letzten?|\\d+\\.?)\\s+)*(?:tag|morgen|mittag|nachmittag|abend|nacht|werktag|wochentag|wochenende|woche|monat|jahr|stunde|minute|${WEEKDAY})\\p{L}*|alle\\s+(?:\\d+|zwei|drei|vier|fünf|zehn|paar)\\s+(?:minuten|stunden|tage|wochen|monate|jahre)|täglich|stündlich|wöchentlich|monatlich|jährlich|werktags|wochentags|immer wieder|${WEEKDAY}s)(?!\\p{L})`,
    'iu',
  ),
  cues: [
    [/(?<!\p{L})(?:timer|countdown|stoppuhr|eieruhr|kurzzeitwecker)(?!\p{L})/iu, 'timer'],
    [
      /(?<!\p{L})(?:(?:stelle?|stell mir|mach|setze?) (?:mir )?(?:einen |den |meinen )?(?:wecker|alarm)|(?:einen |den |meinen )?(?:wecker|alarm)|wecke? mich(?: auf)?|mich (?:auf)?wecken)(?!\p{L})/iu,
      'alarm',
    ],
    [
      /(?<!\p{L})(?:(?:erinnere?|benachrichtige?) mich(?: bitte)?|(?:(?:mach|stelle?|setze?|erstelle?|leg)e?(?: mir)? |ich (?:brauche|will|möchte) )?eine (?:neue )?erinnerung|(?:neue )?erinnerung(?=\s*:)|(?:mich )?erinnern|lass mich nicht vergessen|(?:denk|denke) (?:bitte )?daran)(?!\p{L})/iu,
      'reminder',
    ],
    [/(?<!\p{L})(?:vergiss nicht|sag mir bescheid|sage? mir|gib mir bescheid|ruf mich)(?!\p{L})/iu, 'time'],
  ],
  subjectFillers: {
    leading:
      /^(?:(?:daran|dass|damit|an|ans|zum|zur|zu|für|wegen|wenn|auf|mit|ein(?:en|e)?|am|um)(?!\p{L})[,:]?\s*|[,:;\s"„“-]+)+/iu,
    trailing: /(?:\s+(?:zu|um|am|an|auf|für|dass|daran|und|erinnern|stellen|ein|ab)|[\s,:;"„“-])+$/iu,
  },
  subjectFillersBefore: {
    leading:
      /^(?:(?:und|auch|bitte|ich|mir|mich|will|möchte|brauche|stelle?|setze?|mach|starte?|eine?n?|meinen?|neuen?|daran|dass|an|ans|auf|für|so|du|kannst|könntest|zum|zur)(?!\p{L})[,:]?\s*|[,:;\s"„“-]+)+/iu,
    trailing: /(?:\s*(?<!\p{L})(?:um|am|in|auf|für|eine?n?|und|bitte|mich|mir|daran|zu)|[\s,:;"„“-])+$/iu,
  },
  answerFillers: {
    leading:
      /^(?:(?:ok|okay|ja|gut|ähm?|hm+|bitte|vielleicht|sagen wir|wie wäre es mit|wie wäre|erinnere? mich|das wäre|am besten|dann)(?!\p{L})[\s,]*|[\s,.]+)+/iu,
    trailing:
      /(?:\s*(?<!\p{L})(?:bitte|danke|dann|wäre gut|wäre super|passt|oder so|ungefähr)|[\s.!?,~])+$/iu,
  },
  answerLead: /^(?:daran,?|dass|an|ans|zum|zur)\s+/i,
  about: /^(?:daran,?|dass|an|ans|zum|zur|zu|wegen|für)\s+(.+)$/i,
  toMomentPhrase(answer) {
    if (
      /^\d{1,2}(?:[:.]\d\d)?$|^\p{Ll}+$/iu.test(answer) &&
      !/tag|woch|abend|früh|morgen|mittag/i.test(answer)
    )
      return `um ${answer}`
    if (/^(?:morgens|am morgen|in der früh|am vormittag|vormittags)$/i.test(answer)) return 'morgen früh'
    const part = /^(?:am )?(nachmittag|abend|mittag)s?$/i.exec(answer)?.[1]
    return part ? `heute ${part}` : answer
  },
  formatDue: ({ date, near }, clock) =>
    `${near === 'today' ? 'heute' : near === 'tomorrow' ? 'morgen' : `am ${date}`} um ${clock} Uhr`,
  phrases: {
    reminder: 'daran wolltest du erinnert werden',
    alarm: 'daran wolltest du erinnert werden',
    timer: 'die Zeit ist um',
    set: ({ text, due }) => `Ich erinnere dich ${due}: ${text}`,
    when: text =>
      `Wann soll ich dich erinnern${text ? ` (${text})` : ''}? Sag zum Beispiel „morgen um 9“ oder „in einer Stunde“.`,
    what: due => `Woran soll ich dich ${due} erinnern?`,
    past: due => `Diese Zeit ist schon vorbei (${due}), da kann ich dich nicht mehr erinnern.`,
    tooFar: 'Das ist zu weit weg: Ich kann dich innerhalb von zehn Jahren erinnern.',
    tooMany: 'Du hast schon zu viele Erinnerungen. Lösche erst einige.',
    tooLong:
      'Das ist zu lang für eine Erinnerung. Speichere es als Notiz und lass dich an die Notiz erinnern.',
    recurring:
      'Ich kann dich einmal erinnern, aber nicht immer wieder. Sag zum Beispiel „erinnere mich morgen um 8 an meine Tabletten“.',
    none: 'Du hast keine Erinnerungen.',
    list: (list, more) => `Deine Erinnerungen:\n${list}${more > 0 ? `\nund ${more} weitere.` : ''}`,
    cancelled: ({ text, due }) => `Gelöscht: ${text} (${due}).`,
    cancelledAll: count =>
      count === 1 ? 'Deine einzige Erinnerung ist gelöscht.' : `Alle ${count} Erinnerungen sind gelöscht.`,
    cancelledThese: list => `Gelöscht:\n${list}`,
    over: 'Sie ist schon vorbei, da gibt es nichts mehr zu löschen.',
    unknown: list => `Eine solche Erinnerung finde ich nicht. Deine Erinnerungen:\n${list}`,
    which: list => `Welche soll ich löschen?\n${list}`,
  },
}
