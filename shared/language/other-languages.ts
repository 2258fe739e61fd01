/**
 * Languages without a pack that are detected all the same. Events can then name them, and no pack takes their texts for
 * its own.
 */
const words = (text: string): ReadonlySet<string> => new Set(text.split(/\s+/))

/** Languages by their own letters. For languages that share a script, the one with the most speakers. */
export const languageByScript: readonly (readonly [RegExp, string])[] = [
  [/[\p{scx=Hiragana}\p{scx=Katakana}]/gu, 'ja'],
  [/\p{Script=Hangul}/gu, 'ko'],
  [/[іїєґ]/giu, 'uk'],
  [/\p{Script=Cyrillic}/gu, 'ru'],
  [/\p{Script=Greek}/gu, 'el'],
  [/\p{Script=Arabic}/gu, 'ar'],
  [/\p{Script=Hebrew}/gu, 'he'],
  [/\p{Script=Devanagari}/gu, 'hi'],
  [/\p{Script=Thai}/gu, 'th'],
]

export const latinLanguages: readonly { tag: string; words: ReadonlySet<string>; letters?: RegExp }[] = [
  {
    tag: 'fr',
    words: words(
      `le la les un une des du de et est à au aux je tu il elle nous vous ils que qui quoi quel quelle quels où quand
       comment pourquoi combien dans sur pour par avec sans mon ma mes ton ta tes son sa ses ne pas plus moi toi ce
       cette ces ai as a sont suis es heure demain hier aujourd'hui rappelle bonjour merci s'il plaît c'est j'ai
       l'heure d'appeler qu'est-ce quelle`,
    ),
    letters: /[çœèêàâîùû]/giu,
  },
  {
    tag: 'es',
    words: words(
      `el la los las un una unos de del y es en que qué quién cuál cuándo dónde cómo cuánto cuánta por para con sin mi
       mis tu tus su sus no me te se lo al más hay son estoy está soy hoy mañana ayer hora recuérdame recuerda hola
       gracias favor yo`,
    ),
    letters: /[ñ¿¡]/giu,
  },
  {
    tag: 'it',
    words: words(
      `il lo la gli le un una uno di del della dei e è che chi cosa quale quando dove come quanto per con senza mio mia
       tuo tua non mi ti si sono sei ho hai oggi domani ieri ora ore ricordami ciao grazie favore io nel alle`,
    ),
  },
  {
    tag: 'pt',
    words: words(
      `o os as um uma de do da dos das e é que quem qual quando onde como quanto por para com sem meu minha seu sua não
       me se no na em eu você hoje amanhã ontem hora horas lembra-me lembre olá obrigado obrigada favor são estou`,
    ),
    letters: /[ãõ]/giu,
  },
  {
    tag: 'nl',
    words: words(
      `de het een en is van in op te dat die wat wie welke wanneer waar hoe hoeveel voor met zonder mijn jouw zijn haar
       niet ik jij je wij ben bent heb heeft vandaag morgen gisteren uur laat herinner hallo dank bedankt alsjeblieft
       aan om naar`,
    ),
  },
  {
    tag: 'tr',
    words: words(
      `bir ve bu şu o ne kim hangi nerede nasıl neden kaç kadar için ile ben sen biz siz benim senin bana sana değil
       var yok mı mi mu mü da de bugün yarın dün saat hatırlat merhaba teşekkürler lütfen çok daha`,
    ),
    letters: /[ğışİ]/gu,
  },
  {
    tag: 'pl',
    words: words(
      `i w na z do nie się to jest że co kto który kiedy gdzie jak ile dla od po mój moja twój ja ty my jestem mam masz
       dziś dzisiaj jutro wczoraj godzina godzinie przypomnij cześć dziękuję proszę`,
    ),
    letters: /[ąęłńśźż]/giu,
  },
  {
    tag: 'sv',
    words: words(
      `och att det är en ett i på som vad vem vilken när var hur för med utan min mitt din inte jag du vi ni har idag
       imorgon igår klockan påminn hej tack snälla till av mig`,
    ),
    letters: /å/giu,
  },
]
