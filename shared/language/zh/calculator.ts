import type { CalculatorLanguage } from '../skill-language.ts'
import { units } from './units.ts'

export const calculator: CalculatorLanguage = {
  title: '计算',
  examples: [
    '12 乘以 8 等于多少？',
    '三加五等于几？',
    '100 减 37 是多少',
    '计算 45 除以 9',
    '算一下 3.5 * 12',
    '200 的 15% 是多少？',
    '81 的平方根是多少',
    '2 的 10 次方是多少？',
    '五十的百分之二十是多少',
    '10 公里是多少英里？',
    '一米有多少英尺？',
    '300打7折',
    '帮我算 (1+2)*3',
    '六十减十五等于几',
  ],
  problems: {
    byZero: '不能除以零。',
    tooLarge: '其中的数字太大，我算不了。',
    notReal: '这个算式没有实数解。',
    units: '这些单位不能互相换算。',
    nonsense: '我看不懂这个算式。',
  },
  /** 千 is a numeral and also the beginning of 千克, kilogram. */
  normalise: text =>
    text
      .replaceAll('千克', '公斤')
      .replaceAll('千米', '公里')
      .replaceAll('百分之百', '100%')
      .replace(/百分之/g, '分数')
      .replace(/计?算一[下算]|一下|一共|一起/g, ' '),
  scales: {
    values: { 百: 100, 千: 1_000, 万: 10_000, 亿: 100_000_000 },
    pattern: /(\d+(?:\.\d+)?) ?([百千万亿]+)/g,
  },
  leadingFillers: [
    /^(?:请问|请|麻烦|你好|帮我|帮忙|给我|能不能|可以|能|我想知道|想知道|计算|算算看?|算出|算下|算|求|看看|看|那么|那|告诉我|你知道|知道|把|一个)[,:\s]*/,
  ],
  trailingFillers: [
    /\s*(?:等于|是|得|为|有|总共|合计)?\s*(?:多少钱|多少|几|什么|啥)(?:呢|啊|呀|吗|来着)?$/,
    /\s*(?:等于|得|是|呢|吗|吧|啊|谢谢|结果|的结果|的值)$/,
  ],
  lists: [
    ['LIST的(?:总)?和', '+'],
    ['LIST的积', '*'],
    ['LIST的差', '-'],
    ['LIST的商', '/'],
    ['LIST的平均(?:数|值)?', 'mean'],
  ],
  listSeparator: /,|和|与|、/,
  templates: [[/^(.+?)是(.+?)的百分之$/, '$1 / $2 * 100']],
  replacements: [
    [/[$€£¥]|(?<=\d ?)(?:元钱?|块钱?|人民币)/g, ''],
    ['分数 ?(NUMBER)', '$1%'],
    ['(NUMBER) ?分之 ?(NUMBER)', '($2/$1)'],
    ['TERM ?打了?(NUMBER)折', '$1 * ($2/10)'],
    ['打(NUMBER)折[后,，]* ?(?:的 ?)?TERM', '$2 * ($1/10)'],
    ['TERM ?的 ?(NUMBER) ?%', '$2% * $1'],
    ['(NUMBER) ?% ?的 ?TERM', '$1% * $2'],
    ['TERM ?的 ?(\\(NUMBER/NUMBER\\))', '$2 * $1'],
    ['TERM ?的 ?一?1?半', '$1 / 2'],
    ['TERM ?的 ?(NUMBER) ?倍', '$1 * $2'],
    ['TERM ?的 ?(NUMBER) ?次(?:方|幂)', '$1^$2'],
    ['TERM ?的 ?(?:平方根|开方|算术平方根)', 'sqrt($1)'],
    ['TERM ?的 ?立方根', 'cbrt($1)'],
    ['TERM ?的? ?平方', '$1^2'],
    ['TERM ?的? ?立方', '$1^3'],
    ['TERM ?的? ?阶乘', '$1!'],
    ['根号 ?(?:下 ?)?TERM', 'sqrt($1)'],
    [/乘以|乘上|乘|倍/g, ' * '],
    [/除以|除上/g, ' / '],
    [/加上|加/g, ' + '],
    [/减去|减掉|减/g, ' - '],
    [/负 ?(?=\d)/g, '-'],
    [/的 ?/g, ' '],
  ],
  conversions: [
    '^AMOUNT ?(?<from>.+?) ?(?:是|等于|有|换算成|换成|转换成|转换为|转成|转|换算为|合|折合|相当于|=) ?(?:多少|几)?(?:个)?(?<to>.+)$',
    '^AMOUNT(?<from>.+?)里?有多少(?<to>.+)$',
  ],
  /** 摄氏20度, 20度摄氏 */
  conversionReplacements: [
    [/(摄氏|华氏) ?(-?\d+(?:\.\d+)?) ?度/g, '$2$1度'],
    [/(摄氏|华氏)(多少|几)度/g, '$2$1度'],
    [/(摄氏|华氏)(?!度)/g, '$1度'],
  ],
  amounts: { 半: '0.5', 半个: '0.5' },
  units,
  unitLead: /^(?=)/,
  singularWord: word => word,
  singular: label => label,
}
