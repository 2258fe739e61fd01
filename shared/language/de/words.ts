import type { Recognition, WordLanguage } from '../pack.ts'

const split = (text: string): ReadonlySet<string> => new Set(text.split(/\s+/))

export const recognition: Recognition = {
  words: split(
    `der die das den dem des ein eine einen einem einer und oder aber nicht kein keine ja nein ich du er sie wir ihr mir
     mich dir dich uns mein meine meinen meinem meiner dein deine unser ist sind war bin bist hat habe hast haben wird
     werde kann kannst könntest soll sollst muss möchte will was wer wie wo wann warum welche welcher welches welchen
     wieviel viel viele zu zum zur im am um auf aus bei mit nach von vom vor für über unter ohne bis als wenn dann dass
     so auch noch schon nur bitte danke hallo moin servus guten heute morgen gestern übermorgen jetzt uhr stunde stunden
     minute minuten tag tage woche monat jahr abend früh zeit erinnere erinner erinnern erinnerung erinnerungen merk
     merke notiz notizen notiere notier vergiss lösche lösch zeig zeige stell stelle weck wecker rechne wieviele spät
     ins gibt es alles egal montag dienstag mittwoch donnerstag freitag samstag sonntag januar februar märz mai juni
     juli oktober dezember zwei drei vier fünf sechs sieben acht neun zehn zwölf halb mal geteilt plus durch prozent
     berechne addiere multipliziere teile ziehe wurzel hälfte doppelte summe hoch meilen
     kilometer gramm grad celsius in an wochen anderthalb erste ersten zweite zweiten dritte letzte beide keins doch daran woran hab heiße wohne`,
  ),
  letters: /[äöß]/giu,
}

export const words: WordLanguage = {
  stopWords: split(
    `der die das den dem des ein eine einen einem einer eines und oder ist sind war waren bin bist sein hat habe hast
     haben wird ich du er sie es wir mir mich dir dich uns mein meine meinen meinem meiner meines dein deine unser was
     wer wie wo wann warum welche welcher welches welchen zu zum zur im in am an um auf aus bei mit nach von vom vor für
     über dass noch nochmal schon nur bitte auch doch mal denn eigentlich sag sage weißt kennst lautet lauten daran
     davon über jetzt`,
  ),
  /** Strips the endings of cases and persons, and the umlaut of the plural. */
  stem(word) {
    if (/^(?:heiße|heißt|heißen|namens|genannt)$/.test(word)) return 'nam'
    const plain = word.replaceAll('ä', 'a').replaceAll('ö', 'o').replaceAll('ü', 'u').replaceAll('ß', 'ss')
    return plain.length > 4 ? plain.replace(/(?:ern|en|em|er|es|e|st|n|s|t)$/, '') : plain.replace(/e$/, '')
  },
  searchVariants: words => (words.some(word => word === 'name') ? ['heiße', 'heißt'] : []),
  suffix: /^(?:e|en|er|es|em|s|n|t|st|ung|ungen|lich|bar|keit|heit)$/,
}
