import type { SlotLanguage } from '../pack.ts'

export const slots: SlotLanguage = {
  questions: {
    moment: () => 'Wann?',
    date: () => 'An welchem Tag?',
    time: () => 'Um wie viel Uhr?',
    duration: () => 'Wie lange?',
    number: label => `Wie viele (${label})?`,
    choice: (_, choices) => `Was davon: ${choices.join(', ')}?`,
    place: () => 'Wo?',
    name: label => `Welcher Name (${label})?`,
    words: label => `Was genau (${label})?`,
  },
  fillers:
    /^(?:(?:in|im|an|am|bei|nach|zu|zum|zur|von|aus|für|unter|mit|es ist|der|die|das|mein|name|ist|auf|bitte|danke)(?!\p{L})|[\s,.!:])+/iu,
  durationCue: /(?<!\p{L})(?:für|lang|lange|dauer|dauert)(?!\p{L})/iu,
  article: / (?:der|die|das|den|dem)$/,
}
