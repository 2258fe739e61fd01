import type { SlotLanguage } from '../pack.ts'

export const slots: SlotLanguage = {
  questions: {
    moment: () => 'When?',
    date: () => 'On which day?',
    time: () => 'At what time?',
    duration: () => 'For how long?',
    number: label => `How many (${label})?`,
    choice: (_, choices) => `Which one: ${choices.join(', ')}?`,
    place: () => 'Where?',
    name: label => `Which name (${label})?`,
    words: label => `What is it (${label})?`,
  },
  fillers:
    /^(?:(?:in|at|near|to|from|for|under|with|it'?s|it is|the|my|name|is|please|thanks)\b|[\s,.!:])+/iu,
  durationCue: /\bfor\b|\blong\b/iu,
  article: / the$/,
}
