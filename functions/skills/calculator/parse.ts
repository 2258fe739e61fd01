import { containsChinese } from '#shared/language/detection.ts'
import { chineseNumeralsToDigits, englishNumeralsToDigits } from '#shared/language/numerals.ts'
import { parseConversion } from './conversion.ts'

const MAX_TEXT_LENGTH = 300

/** The sum that a text asks for, as an expression; null when it asks for none. */
export function parseExpression(text: string): string | null {
  if (text.length > MAX_TEXT_LENGTH) return null
  const normalised = stripFillers(wordsToDigits(normaliseSymbols(text)))
  const expression = parseConversion(normalised) ?? parsePhrase(normalised)
  return expression === undefined ? null : removeThousandsSeparators(expression)
}

const SUPERSCRIPTS = '⁰¹²³⁴⁵⁶⁷⁸⁹'

/** Full-width signs become plain ones; superscripts are powers, which NFKC would make digits of the number. */
const normaliseSymbols = (text: string): string =>
  text
    .replace(/[⁰¹²³⁴⁵⁶⁷⁸⁹]+/g, power => `^${[...power].map(digit => SUPERSCRIPTS.indexOf(digit)).join('')}`)
    .replace(/(\d)\s*([¼½¾⅓⅔])/g, '$1+$2')
    .replace(/[½¼¾⅓⅔]/g, fraction => `(${fraction.normalize('NFKC').replace('⁄', '/')})`)
    .normalize('NFKC')
    .toLowerCase()
    .replaceAll('’', "'")
    .replace(/[×✕✖·∙⋅]|(?<=[\d)]\s*)[x*](?=\s*[\d(])/g, ' * ')
    .replace(/[÷⁄]/g, ' / ')
    .replace(/[−–—]/g, '-')
    .replaceAll('π', ' pi ')
    .replaceAll('√', ' sqrt ')
    .replace(/\*\*/g, '^')
    .replace(/\s+/g, ' ')
    .trim()

const wordsToDigits = (text: string): string =>
  containsChinese(text)
    ? chineseNumeralsToDigits(expandScales(disambiguateChinese(text), CHINESE_SCALE))
    : englishNumeralsToDigits(expandScales(text, ENGLISH_SCALE))

/** 千 is a numeral and the beginning of a kilogram. */
const disambiguateChinese = (text: string): string =>
  text
    .replaceAll('千克', '公斤')
    .replaceAll('千米', '公里')
    .replaceAll('百分之百', '100%')
    .replace(/百分之/g, '分数')
    .replace(/计?算一[下算]|一下|一共|一起/g, ' ')

const SCALES: Readonly<Record<string, number>> = {
  百: 100,
  千: 1_000,
  万: 10_000,
  亿: 100_000_000,
  k: 1_000,
  hundred: 100,
  thousand: 1_000,
  million: 1_000_000,
  billion: 1_000_000_000,
}
const CHINESE_SCALE = /(\d+(?:\.\d+)?) ?([百千万亿]+)/g
const ENGLISH_SCALE = /(\d+(?:\.\d+)?)(k\b|(?: (?:hundred|thousand|million|billion)\b)+)/g

/** 3.5万 is 35000: digits before a place are multiplied with it. */
const expandScales = (text: string, pattern: RegExp): string =>
  text.replace(pattern, (_, number: string, places: string) => {
    const all = places.match(/[a-z]+|[^a-z\s]/g) ?? []
    const scale = all.reduce((product, place) => product * SCALES[place]!, 1)
    return String(Number((Number(number) * scale).toPrecision(15)))
  })

const LEADING_FILLERS = [
  /^(?:hey|hi|hello|ok|okay|so|and|well|now|lares|please|pls|quick(?:ly)?|just)\b[,:!]?\s*/,
  /^(?:can|could|would|will) you\s+(?:please\s+)?(?:tell me|help me|quickly)?\s*/,
  /^(?:do you know|i (?:need|want|would like) (?:you )?to (?:know|calculate|compute)?|help me|let me know|tell me|give me|show me)\s*/,
  /^(?:what(?:'s| is| are| do| does|s)?|how much(?: is| are|'s| do| does| will)?|how many(?= \d)|w[aht]{2,3}t?(?: is|s)|how (?:tall|long|far|heavy|hot|warm|cold|fast|high|deep) (?:is|are)|(?:how mcuh|how muhc|hwo much)(?: is)?)\s+(?=\S)/,
  /^(?:c[alcu]{3,6}l?ate|calc|compute|evaluate|solve|work out|figure out|find|count|do the math(?: on)?|the (?:result|value|answer) (?:of|to)|result of|value of|do i (?:get|have) (?:when|if) i|i get (?:when|if) i|if i|i)\b[:,]?\s*/,
  /^the (?=sum|product|difference|quotient|average|mean|square|cube|root|remainder|factorial|sqrt|total)/,
  /^(?:请问|请|麻烦|你好|帮我|帮忙|给我|能不能|可以|能|我想知道|想知道|计算|算算看?|算出|算下|算|求|看看|看|那么|那|告诉我|你知道|知道|把|一个)[,:\s]*/,
]
const TRAILING_FILLERS = [
  /\s*[=?？。,，.…~]+$/,
  /(?<!^\D*\d+)\s*!+$/,
  /\s*(?:please|pls|thanks|thank you|thx|for me|equals?|equal to|is what|is|are|in total|altogether|together|now|exactly|come to|make|to)$/,
  /\s*(?:等于|是|得|为|有|总共|合计)?\s*(?:多少钱|多少|几|什么|啥)(?:呢|啊|呀|吗|来着)?$/,
  /\s*(?:等于|得|是|呢|吗|吧|啊|谢谢|结果|的结果|的值)$/,
]

/** Without what people put around a sum. */
function stripFillers(text: string): string {
  let before: string
  let rest = text
  do {
    before = rest
    for (const lead of LEADING_FILLERS) rest = rest.replace(lead, '')
    for (const tail of TRAILING_FILLERS) rest = rest.replace(tail, '')
  } while (rest !== before)
  return rest
}

/** Parts are looked for afterwards: a pattern of them would take for ever on a text that was made for it. */
const listPattern = (form: string): RegExp => new RegExp(`^${form.replace('LIST', '(.+)')}$`)
const LIST_SEPARATOR = /, and | and |,|和|与|、/

/** What is done with a list of numbers, by the words around it. */
const LIST_OPERATIONS: [RegExp, (parts: string[]) => string][] = [
  [listPattern('(?:the )?(?:sum|total) of LIST'), parts => parts.join(' + ')],
  [listPattern('(?:add|sum|sum up|add up|total)(?: up)? LIST'), parts => parts.join(' + ')],
  [listPattern('LIST (?:sum|add|added)(?: up)?(?: to)?'), parts => parts.join(' + ')],
  [listPattern('(?:the )?product of LIST'), parts => parts.join(' * ')],
  [listPattern('multiply LIST'), parts => parts.join(' * ')],
  [listPattern('(?:the )?difference (?:between|of) LIST'), parts => parts.join(' - ')],
  [listPattern('(?:the )?quotient of LIST'), parts => parts.join(' / ')],
  [listPattern('(?:the )?(?:average|mean) of LIST'), parts => `mean(${parts.join(', ')})`],
  [listPattern('LIST的(?:总)?和'), parts => parts.join(' + ')],
  [listPattern('LIST的积'), parts => parts.join(' * ')],
  [listPattern('LIST的差'), parts => parts.join(' - ')],
  [listPattern('LIST的商'), parts => parts.join(' / ')],
  [listPattern('LIST的平均(?:数|值)?'), parts => `mean(${parts.join(', ')})`],
]

/** Forms of a whole sum; $1 and $2 are sums themselves. */
const PHRASE_TEMPLATES: [RegExp, string][] = [
  [/^add (.+) (?:to|with) (.+)$/, '$2 + $1'],
  [/^(?:subtract|take|deduct) (.+?)(?: away)? from (.+)$/, '$2 - $1'],
  [/^multiply (.+) (?:by|with|times) (.+)$/, '$1 * $2'],
  [/^divide (.+) (?:by|through) (.+)$/, '$1 / $2'],
  [/^(?:the )?remainder (?:of|when)(?: dividing)? (.+?)(?: is)? (?:divided )?by (.+)$/, '$1 mod $2'],
  [/^(?:what )?(?:percent|percentage|%) of (.+) is (.+)$/, '$2 / $1 * 100'],
  [/^(.+) is what (?:percent|percentage|%) of (.+)$/, '$1 / $2 * 100'],
  [/^(.+) as a (?:percent|percentage) of (.+)$/, '$1 / $2 * 100'],
  [/^(.+?)是(.+?)的百分之$/, '$1 / $2 * 100'],
  [/^raise (.+) to (?:the )?(?:power of )?(.+)$/, '$1 ^ $2'],
]

const NUMBER = String.raw`(?:\d+(?:\.\d+)?|\.\d+)`
const TERM = String.raw`(${NUMBER}|pi|\([^()]*\))`
const termPattern = (form: string): RegExp =>
  new RegExp(form.replaceAll('TERM', TERM).replaceAll('NUMBER', NUMBER), 'g')

/** Words within a sum, the longer forms first. */
const WORD_REPLACEMENTS: [RegExp, string][] = [
  [/^(?:minus|negative) (?=\d)/, '-'],
  [/[$€£¥]|(?<=\d ?)(?:dollars?|bucks|euros?|元钱?|块钱?|人民币)/g, ''],
  [termPattern('分数 ?(NUMBER)'), '$1%'],
  [termPattern('(NUMBER) ?分之 ?(NUMBER)'), '($2/$1)'],
  [termPattern('(NUMBER) ?(?:percent|per cent|pct|percentage)'), '$1%'],
  [termPattern('(NUMBER) ?% ?(?:tip )(?:on|for|of|to) '), '$1% * '],
  [termPattern('(NUMBER) ?% off(?: of)? TERM'), '($2 - $2 * $1%)'],
  [termPattern('TERM ?打了?(NUMBER)折'), '$1 * ($2/10)'],
  [termPattern('打(NUMBER)折[后,，]* ?(?:的 ?)?TERM'), '$2 * ($1/10)'],
  [termPattern('(?:a )?tip of (NUMBER) ?% (?:on|for|of) TERM'), '$1% * $2'],
  [termPattern('(NUMBER) ?% (?:of|from) (?:the )?'), '$1% * '],
  [termPattern('TERM ?的 ?(NUMBER) ?%'), '$2% * $1'],
  [termPattern('(NUMBER) ?% ?的 ?TERM'), '$1% * $2'],
  [termPattern('TERM ?的 ?(\\(NUMBER/NUMBER\\))'), '$2 * $1'],
  [termPattern('TERM ?的 ?一?1?半'), '$1 / 2'],
  [termPattern('TERM ?的 ?(NUMBER) ?倍'), '$1 * $2'],
  [termPattern('TERM ?的 ?(NUMBER) ?次(?:方|幂)'), '$1^$2'],
  [termPattern('TERM ?的 ?(?:平方根|开方|算术平方根)'), 'sqrt($1)'],
  [termPattern('TERM ?的 ?立方根'), 'cbrt($1)'],
  [termPattern('TERM ?的? ?平方'), '$1^2'],
  [termPattern('TERM ?的? ?立方'), '$1^3'],
  [termPattern('TERM ?的? ?阶乘'), '$1!'],
  [termPattern('根号 ?(?:下 ?)?TERM'), 'sqrt($1)'],
  [termPattern('(?:the )?cube root (?:of )?TERM'), 'cbrt($1)'],
  [termPattern('(?:the )?(?:square )?root (?:of )?TERM'), 'sqrt($1)'],
  [termPattern('(?:the )?sqrt (?:of )?TERM'), 'sqrt($1)'],
  [termPattern('(?:the )?factorial of TERM'), '$1!'],
  [termPattern('TERM factorial'), '$1!'],
  [termPattern('TERM squared'), '$1^2'],
  [termPattern('TERM cubed'), '$1^3'],
  [termPattern('TERM (?:raised )?to the power(?: of)? '), '$1^'],
  [termPattern('TERM (?:raised )?to the (NUMBER)(?:st|nd|rd|th)?(?: power)?'), '$1^$2'],
  [
    termPattern(
      'TERM (?:raised )?to the (second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth)(?: power)?',
    ),
    '$1^$2',
  ],
  [termPattern('(?:the )?square of TERM'), '$1^2'],
  [termPattern('(?:the )?cube of TERM'), '$1^3'],
  [termPattern('(?:half|1/2|a half) (?:of )TERM'), '$1 / 2'],
  [termPattern('half TERM'), '$1 / 2'],
  [termPattern('a quarter of '), '1/4 * '],
  [termPattern('a third of '), '1/3 * '],
  [termPattern('(\\d+ ?/ ?\\d+) of '), '$1 * '],
  [/\b(\d+) thirds? of /g, '$1/3 * '],
  [/\b(\d+) (?:quarter|fourth)s? of /g, '$1/4 * '],
  [/\b(\d+) fifths? of /g, '$1/5 * '],
  [termPattern('(?:double|twice) (?:of )?TERM'), '2 * $1'],
  [termPattern('triple (?:of )?TERM'), '3 * $1'],
  [/\s*(?:\bmultiplied (?:by|with)\b|\btimes\b|乘以|乘上|乘|倍)\s*/g, ' * '],
  [/\s*(?:\bdivided (?:by|through)\b|\bover\b|除以|除上)\s*/g, ' / '],
  [/\s*(?:\bplus\b|\badded to\b|加上|加)\s*/g, ' + '],
  [/\s*(?:\bminus\b|\bless\b|\bsubtracted by\b|减去|减掉|减)\s*/g, ' - '],
  [/\s*\b(?:mod|modulo|modulus)\b\s*/g, ' mod '],
  [/负 ?(?=\d)|\b(?:minus|negative) (?=\d)/g, '-'],
  [/\bln\b/g, 'log'],
  [/\bpower\b|的 ?/g, ' '],
]

const ORDINALS = 'second third fourth fifth sixth seventh eighth ninth tenth'.split(' ')

/** What a sum is made of when all words are read. */
const EXPRESSION_SYNTAX =
  /^(?:\d+(?:\.\d+)?(?:e[+-]?\d+)?|\.\d+|[-+*/^()!%,\s]|\b(?:mod|sqrt|cbrt|abs|round|floor|ceil|exp|log(?:10|2)?|a?sin|a?cos|a?tan|min|max|sum|mean|median|gcd|lcm|factorial|pi|tau|phi|e|deg)\b)+$/

function parsePhrase(text: string): string | undefined {
  for (const [form, join] of LIST_OPERATIONS) {
    const operands = form.exec(text)?.[1]?.split(LIST_SEPARATOR).map(toOperand)
    if (operands && operands.length > 1 && operands.every(part => part !== undefined)) return join(operands)
  }
  for (const [form, sum] of PHRASE_TEMPLATES) {
    const [, first, second] = form.exec(text) ?? []
    const [a, b] = [first && toOperand(first), second && toOperand(second)]
    if (a && b) return sum.replace('$1', a).replace('$2', b)
  }
  const sum = replaceWords(text)
  return sum !== undefined && isExpression(sum) ? sum : undefined
}

/** A sum or a single number, safe to put an operator beside. */
function toOperand(text: string): string | undefined {
  const expression = replaceWords(text.trim())
  return expression === undefined || /^[\d.]+%?$|^\w+\([^()]*\)$/.test(expression)
    ? expression
    : `(${expression})`
}

function replaceWords(text: string): string | undefined {
  let expression = text
  for (const [word, sign] of WORD_REPLACEMENTS) expression = expression.replace(word, sign)
  expression = expression
    .replace(
      /\^(second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth)/g,
      (_, nth: string) => `^${ORDINALS.indexOf(nth) + 2}`,
    )
    .replace(/\s+/g, ' ')
    .trim()
  return EXPRESSION_SYNTAX.test(expression) && /\d|pi|\be\b/.test(expression) ? expression : undefined
}

/** A number alone, a date or a telephone number is no sum. */
const isExpression = (expression: string): boolean =>
  /[-+*/^!%(]|\bmod\b/.test(expression) &&
  !/[\d)] +[\d.]|\b0\d/.test(expression) &&
  !/^-?[\d.,\s]+%?$/.test(expression) &&
  !/^\d{4}-\d{1,2}-\d{1,2}$|^\d{1,2}\/\d{1,2}\/\d{2,4}$|^\+\d[\d\s-]{6,}$/.test(expression)

/** "1,234" is one number; in the brackets of a function commas part numbers. */
const removeThousandsSeparators = (expression: string): string =>
  /[a-z]\(/.test(expression) ? expression : expression.replace(/(?<=\d),(?=\d{3}(?!\d))/g, '')
