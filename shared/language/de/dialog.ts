import type { Activity, DialogPhrases, FailedPart } from '../pack.ts'

const activityText = (activity: Activity): string => {
  if (activity === 'none') return 'Gerade läuft nichts.'
  return activity === 'model'
    ? 'Das Sprachmodell schreibt eine Antwort.'
    : `In Arbeit: ${activity.skills.join(', ')}.`
}

const PART_NAMES = {
  understanding: 'das Verstehen der Nachricht',
  memory: 'das Gedächtnis',
  model: 'das Sprachmodell',
  conversation: 'das Gespräch',
} as const

const partName = (part: FailedPart): string =>
  typeof part === 'string' ? PART_NAMES[part] : `der Skill „${part.skill}“`

export const dialog: DialogPhrases = {
  interrupted: '(Unterbrochen.)',
  noAnswer: 'Das Sprachmodell hat keine Antwort gegeben. Bitte frag noch einmal mit anderen Worten.',
  queueFull:
    'Es warten schon zu viele Nachrichten auf eine Antwort, deshalb wurde diese nicht angenommen. Bitte schick sie später noch einmal.',
  freshStart: 'Neuer Anfang: Was vorher gesagt wurde, zählt nicht mehr.',
  nothingToStop: 'Gerade läuft nichts.',
  stopped: 'Angehalten.',
  neverMind: 'Alles klar, dann nicht.',
  whichSkill: (first, second) => `Meinst du ${first} oder ${second}?`,
  unknownCommand: command => `Den Befehl /${command} gibt es nicht. Mit /help siehst du, welche es gibt.`,
  help: (name, skillLines) =>
    [
      `Ich bin ${name}. Frag mich, was du willst.`,
      ...(skillLines === '' ? [] : [`Meine Skills:\n${skillLines}`]),
      'Befehle:\n/help: diese Liste\n/new: ein neuer Anfang\n/stop: hält die Antwort an und verwirft, was wartet\n/status: was gerade läuft',
    ].join('\n\n'),
  status: (activity, waiting) => {
    const queue = waiting === 1 ? ' 1 Nachricht wartet.' : ` ${waiting} Nachrichten warten.`
    return `${activityText(activity)}${waiting > 0 ? queue : ''}`
  },
  apology: (part, isSlow) =>
    `Das konnte ich leider nicht beantworten: ${partName(part)} ${isSlow ? 'hat zu lange gebraucht' : 'ist ausgefallen'}. Bitte versuch es später noch einmal.`,
  reminder: text => `Erinnerung: ${text}`,
  lateReminder: (text, due) => `Verspätete Erinnerung: ${text} (fällig war sie ${due})`,
}
