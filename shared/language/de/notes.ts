import type { NotesLanguage } from '../skill-language.ts'

const NOTE = '(?:notiz(?:en)?|memos?|vermerk)'
const form = (pattern: string): RegExp => new RegExp(`^${pattern}$`, 'isu')

export const notes: NotesLanguage = {
  title: 'deine Notizen',
  examples: [
    'notiere, dass der Zählerstand 4810 ist',
    'notier dir: die Farbe der Tür ist RAL 7016',
    'mach eine Notiz: der Vermieter kommt am Dienstag',
    'schreib auf, dass der Ersatzschlüssel in der Schublade liegt',
    'schreib dir auf: Peter nach dem Zelt fragen',
    'neue Notiz: Filter kaufen',
    'Notiz: der Code am Tor ist 12',
    'zeig meine Notizen',
    'welche Notizen habe ich?',
    'meine Notizen',
    'was habe ich notiert?',
    'such in meinen Notizen nach der Farbe',
    'finde die Notiz über den Vermieter',
    'was habe ich über den Schlüssel notiert?',
    'lösche die Notiz über das Zelt',
    'lösch meine Notiz mit den Filtern',
  ],
  politePrefix:
    /^(?:(?:hey|hi|hallo|ok|okay|lares|bitte|kannst du|könntest du|würdest du|ich möchte|ich will|und|auch|also|mal|schnell)(?!\p{L})[,:]?\s*)+/iu,
  politeSuffix: /[\s?!~]*(?:(?<!\p{L})(?:bitte|danke)(?!\p{L})[\s.!?]*)*$/iu,
  requests: [
    [
      'delete',
      form(
        `(?:lösche?|entferne?|streiche?|wirf|vergiss)(?!\\p{L})\\s*(.*(?<!\\p{L})${NOTE}(?!\\p{L}).*?)(?: weg)?`,
      ),
    ],
    ['delete', form(`((?:die |meine )?${NOTE} .*?) löschen`)],
    [
      'list',
      form(
        `(?:zeige?|liste?|lies|nenne?|öffne)(?: mir)?(?: bitte)?(?: alle)?(?: meine| die)?(?: letzten| neuesten| neusten)? notizen(?: auf| an| vor)?()`,
      ),
    ],
    [
      'list',
      form(
        `(?:welche|wie viele|wieviele|was für) notizen(?: habe ich| hab ich| gibt es)?(?: gespeichert)?()`,
      ),
    ],
    [
      'list',
      form(`(?:was habe? ich(?: mir)?(?: alles)? (?:notiert|aufgeschrieben)|was steht in meinen notizen)()`),
    ],
    ['list', form(`(?:alle )?(?:meine )?notizen()`)],
    [
      'search',
      form(`(?:suche?|schau|sieh|finde)(?: mal)? in (?:meinen|den) notizen (?:nach|über|zu)\\s+(.+)`),
    ],
    [
      'search',
      form(
        `(?:suche?|finde|zeige?|lies)(?: mir)?(?: die| meine| alle)? ${NOTE} (?:über|zum?r?|mit|von|vom|nach|für)\\s+(.+)`,
      ),
    ],
    ['search', form(`(?:was habe? ich(?: mir)? (?:über|zum?r?)) (.+?) (?:notiert|aufgeschrieben)`)],
    ['search', form(`was steht in meinen notizen (?:über|zum?r?) (.+)`)],
    ['search', form(`(?:habe ich|gibt es)(?: eine| irgendeine)? ${NOTE} (?:über|zum?r?|mit)\\s+(.+)`)],
    [
      'add',
      form(
        `(?:neue |mach(?:e)?(?: mir| dir)? eine |erstelle? eine |schreibe? eine |speichere? eine )?(?:neue )?(?:notiz|memo)(?:\\s*[:,-]\\s*|,?\\s+dass\\s+)(.+)`,
      ),
    ],
    ['add', form(`(?:neue |mach(?:e)? eine |erstelle? eine )(?:neue )?notiz()`)],
    [
      'add',
      form(`(?:notiere?|vermerke?|notier)(?: dir| mir)?(?:\\s*[:,-]\\s*(?:dass\\s+)?|\\s+dass\\s+|\\s+)(.+)`),
    ],
    ['add', form(`(?:schreibe?)(?: dir| mir)? auf(?:\\s*[:,-]\\s*(?:dass\\s+)?|\\s+dass\\s+|\\s+)(.+)`)],
    ['add', form(`(?:notiere?|schreibe?)(?: dir| mir)? (?:das|folgendes)(?: auf)?(?:\\s*[:,-]\\s*)(.+)`)],
  ],
  nonSubjectWords:
    /(?<!\p{L})(?:der|die|das|den|dem|meine?[nr]?|diese[nrs]?|notiz(?:en)?|memos?|über|zu|zum|zur|mit|von|vom|für|nach)(?!\p{L})/giu,
  latest: /^(?:letzte[nrs]?|neueste[nrs]?|neuste[nrs]?)$/i,
  all: /^(?:alle[sn]?|sämtliche)/i,
  phrases: {
    saved: text => `Notiert: ${text}`,
    what: 'Was soll ich notieren? Sag zum Beispiel „notiere, dass der Klempner am Freitag kommt“.',
    list: (list, hasMore) =>
      `Deine ${hasMore ? 'neuesten ' : ''}Notizen:\n${list}${hasMore ? '\nÄltere findest du mit der Suche.' : ''}`,
    none: 'Du hast keine Notizen.',
    unknown: about => `Dazu hast du keine Notiz: ${about}`,
    deleted: text => `Notiz gelöscht: ${text}`,
    which: list => `Welche soll ich löschen?\n${list}`,
    oneByOne:
      'Ich lösche Notizen einzeln, damit keine versehentlich verloren geht. Sag mir mit ihren Worten, welche.',
    tooLong: 'Das ist zu lang für eine Notiz.',
    full: 'Du hast schon zu viele Notizen. Lösche erst einige.',
  },
}
