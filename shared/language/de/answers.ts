import type { AnswerLanguage } from '../pack.ts'

export const answers: AnswerLanguage = {
  leadingFillers:
    /^(?:(?:ok|okay|ja|ähm?|hm+|also|bitte|nur|ich (?:meine|meinte|will|möchte)|lösche?|streiche?|vergiss|entferne?|nimm|die mit|den mit|die (?:über|mit|für|zum?r?)|der|die|das|den|dem|nummer|nr\.|an|über|mit)(?=$|[ ,])|[# ,])+/,
  trailingFillers:
    /(?: (?:bitte|danke|erinnerung(?:en)?|wecker|timer|notiz(?:en)?|löschen|vergessen)|[ .!~])+$/,
  all: /^(?:alle(?:s)?|beide|sämtliche)(?: (?:zwei|drei|davon|zusammen))?$/,
  separator: / ?(?:,|&|(?<!\p{L})und(?!\p{L})) ?(?:und )?(?:(?:der|die|das|den) )?/u,
  last: /^(?:aller)?letzte[nrs]?$/,
  listNumber: /^(\d{1,2})\.?$/,
  ordinals: [
    /^erste[nrs]?$/,
    /^zweite[nrs]?$/,
    /^dritte[nrs]?$/,
    /^vierte[nrs]?$/,
    /^fünfte[nrs]?$/,
    /^sechste[nrs]?$/,
    /^sieb(?:en)?te[nrs]?$/,
    /^achte[nrs]?$/,
    /^neunte[nrs]?$/,
    /^zehnte[nrs]?$/,
  ],
  neverMind:
    /^(?:(?:ach|oh|ok|okay|nein|ne|na),? *)*(?:egal|ist egal|vergiss (?:es|das)|schon gut|lass (?:es|das|gut sein)|lass mal|nein(?: danke)?|nee|nicht(?:s| mehr)|keine?[nrs]?|keins von beiden|weder noch|abbrechen|abbruch|stopp?|doch nicht|hat sich erledigt)[\s.!~]*$/i,
  either: {
    first: /^(?:erste[nrs]?|1\.?|eins?|a|ersteres)$/,
    second: /^(?:zweite[nrs]?|2\.?|zwei|b|letzteres|letzte[nrs]?)$/,
    leadingFillers:
      /^(?:(?:ich (?:meine|meinte|will|möchte)|ja|das ist|die|der|das|den|eine?n?|meine?n?|deine?n?|bitte|nummer|nimm|mit)(?: |$))+/,
    trailingFillers: /(?: (?:bitte|danke)|[\s.!?,~])+$/,
  },
}
