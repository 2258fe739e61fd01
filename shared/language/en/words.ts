import type { Recognition, WordLanguage } from '../pack.ts'

const split = (text: string): ReadonlySet<string> => new Set(text.split(/\s+/))

export const recognition: Recognition = {
  words: split(
    `a an the this that these those and or but not no yes i you he she it we they me my your his her its our their am is
     are was were be been do does did don't doesn't have has had can can't could will would should may must what what's
     which who whom whose when where why how there here to of in on at by for from with without about as than if then
     so up out off over into after before again please thanks thank hello hi hey ok okay tell show list set remind note
     notes remember forget cancel delete remove add make take put give send call play write read find search convert
     calculate time today tomorrow yesterday now i'm it's let's o'clock minutes minute hours hour reminder reminders
     everything nothing never just very all any some much many more last next first second third one two three four
     five ten years old mind new`,
  ),
}

export const words: WordLanguage = {
  stopWords: split(
    `a an the is are am was were be been do does did to of in on at for and or with about that this these those it its i
     me my mine you your yours we us our what whats which who whose when where how tell know remember please can could
     would will again say said have has had got there's so now i'm im by from one ones`,
  ),
  stem: word => {
    if (/^(?:called|named)$/.test(word)) return 'nam'
    return word.length > 4
      ? word.replace(/(?:'s|ies|ing|ed|es|s|y|e)$/, '')
      : word.replace(/(?:'s|e|(?<=..)s)$/, '')
  },
  normaliseSpelling: text => text.replace(/favorite/g, 'favourite').replace(/color/g, 'colour'),
  searchVariants: words => [
    ...words.map(word => word.replace('favourite', 'favorite').replace('colour', 'color')),
    ...(words.some(word => /^(?:names?|called|named)$/.test(word)) ? ['called', 'named'] : []),
  ],
  suffix: /^(?:e?d|ing|able?|ment|er|al|ation|ion|or|ly|y|s|t)$/,
}
