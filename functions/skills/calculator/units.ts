import type { Language } from '#shared/contract/events/event-types.ts'

/** What the library calls a unit; what it is called in an answer, in English and Chinese; what people say (without an s). */
const UNITS: readonly [name: string, en: string, zh: string, said: string][] = [
  // Length
  ['km', 'km', '公里', 'km|kilometer|kilometre|公里'],
  ['m', 'm', '米', 'm|meter|metre|米'],
  ['dm', 'dm', '分米', 'dm|decimeter|decimetre|分米'],
  ['cm', 'cm', '厘米', 'cm|centimeter|centimetre|厘米|公分'],
  ['mm', 'mm', '毫米', 'mm|millimeter|millimetre|毫米'],
  ['mile', 'miles', '英里', 'mi|mile|英里'],
  ['yard', 'yards', '码', 'yd|yard|码'],
  ['foot', 'feet', '英尺', "ft|foot|feet|'|英尺"],
  ['inch', 'inches', '英寸', 'in|inch|inche|"|英寸|寸'],
  ['huali', 'Chinese miles', '里', '里|华里'],
  // Mass
  ['kg', 'kg', '公斤', 'kg|kilo|kilogram|kilogramme|公斤'],
  ['g', 'g', '克', 'g|gram|gramme|克'],
  ['mg', 'mg', '毫克', 'mg|milligram|毫克'],
  ['tonne', 'tonnes', '吨', 't|ton|tonne|吨'],
  ['lb', 'lb', '磅', 'lb|pound|磅'],
  ['oz', 'oz', '盎司', 'oz|ounce|盎司'],
  ['stone', 'stone', '英石', 'stone|英石'],
  ['jin', 'jin', '斤', 'jin|斤|市斤'],
  ['liang', 'liang', '两', 'liang|市两'],
  // Volume
  ['L', 'l', '升', 'l|liter|litre|升|公升'],
  ['mL', 'ml', '毫升', 'ml|milliliter|millilitre|毫升'],
  ['cL', 'cl', '厘升', 'cl|centiliter|centilitre|厘升'],
  ['gallon', 'gallons', '加仑', 'gal|gallon|加仑'],
  ['quart', 'quarts', '夸脱', 'quart|夸脱'],
  ['pint', 'pints', '品脱', 'pint|品脱'],
  ['cup', 'cups', '杯', 'cup|杯'],
  ['tablespoon', 'tablespoons', '汤匙', 'tablespoon|tbsp|汤匙'],
  ['teaspoon', 'teaspoons', '茶匙', 'teaspoon|tsp|茶匙'],
  ['fluidounce', 'fl oz', '液量盎司', 'fluid ounce|fl oz|液量盎司'],
  // Time
  ['s', 'seconds', '秒', 's|sec|second|秒|秒钟'],
  ['minute', 'minutes', '分钟', 'min|minute|分钟'],
  ['hour', 'hours', '小时', 'h|hr|hour|小时|钟头'],
  ['day', 'days', '天', 'day|天'],
  ['week', 'weeks', '周', 'week|周|星期|礼拜'],
  // Temperature
  [
    'degC',
    '°C',
    '摄氏度',
    '°c|c|celsius|centigrade|degree celsius|degrees celsius|degree c|degrees c|摄氏度',
  ],
  ['degF', '°F', '华氏度', '°f|f|fahrenheit|degree fahrenheit|degrees fahrenheit|degree f|degrees f|华氏度'],
  ['K', 'K', '开尔文', 'k|kelvin|开尔文|开'],
  // Speed
  [
    'km/hour',
    'km/h',
    '公里每小时',
    'km/h|kmh|kph|kilometers per hour|kilometres per hour|公里每小时|公里/小时',
  ],
  ['mile/hour', 'mph', '英里每小时', 'mph|mile per hour|miles per hour|英里每小时|英里/小时'],
  ['m/s', 'm/s', '米每秒', 'm/s|meters per second|metres per second|米每秒|米/秒'],
  // Area
  ['m^2', 'm²', '平方米', 'm2|m^2|sqm|square meter|square metre|平方米|平米'],
  ['km^2', 'km²', '平方公里', 'km2|km^2|square kilometer|square kilometre|平方公里'],
  ['sqft', 'sq ft', '平方英尺', 'sqft|sq ft|square foot|square feet|平方英尺'],
  ['acre', 'acres', '英亩', 'acre|英亩'],
  ['hectare', 'hectares', '公顷', 'ha|hectare|公顷'],
  ['mu', 'mu', '亩', '亩'],
  // Data, energy, power, pressure, angle
  ['bit', 'bits', '比特', 'bit|比特'],
  ['byte', 'bytes', '字节', 'byte|字节'],
  ['kB', 'kB', 'kB', 'kb|kilobyte'],
  ['MB', 'MB', 'MB', 'mb|megabyte'],
  ['GB', 'GB', 'GB', 'gb|gigabyte'],
  ['TB', 'TB', 'TB', 'tb|terabyte'],
  ['KiB', 'KiB', 'KiB', 'kib'],
  ['MiB', 'MiB', 'MiB', 'mib'],
  ['GiB', 'GiB', 'GiB', 'gib'],
  ['J', 'J', '焦耳', 'j|joule|焦耳'],
  ['kJ', 'kJ', '千焦', 'kj|kilojoule|千焦'],
  ['kWh', 'kWh', '千瓦时', 'kwh|kilowatt hour|千瓦时|度电'],
  ['W', 'W', '瓦', 'w|watt|瓦|瓦特'],
  ['kW', 'kW', '千瓦', 'kw|kilowatt|千瓦'],
  ['hp', 'hp', '马力', 'hp|horsepower|马力'],
  ['bar', 'bar', '巴', 'bar'],
  ['psi', 'psi', 'psi', 'psi'],
  ['deg', '°', '度', 'deg|degree|°'],
  ['rad', 'rad', '弧度', 'rad|radian|弧度'],
]

/** Chinese units that the library does not have. */
export const customUnits = {
  jin: '500 g',
  liang: '50 g',
  huali: '500 m',
  mu: `666.${'6'.repeat(250)}7 m^2`,
} as const

const unitsByWord = new Map(
  UNITS.flatMap(([name, , , said]) => said.split('|').map(word => [word, name] as const)),
)
const unitLabels = new Map(UNITS.map(([name, en, zh]) => [name, { en, zh }] as const))

/** What the library calls a unit, in whatever number it is said; undefined for what is no unit. */
export function findUnit(words: string): string | undefined {
  const plain = words.trim().replace(/\s+/g, ' ').replace(/\.$/, '')
  return unitsByWord.get(plain) ?? unitsByWord.get(plain.replace(/s$/, ''))
}

/** A number with a unit of the library's, as people write it. */
export function formatQuantity(number: string, unit: string, language: Language): string {
  const name = unit.replaceAll(' ', '')
  const label = unitLabels.get(name)?.[language] ?? name
  if (/^[²°]$|^\p{Script=Han}/u.test(label)) return number + label
  return `${number} ${number === '1' ? toSingular(label) : label}`
}

const toSingular = (label: string): string =>
  label.length < 4 ? label : label.replace('feet', 'foot').replace(/(?<=inch)es$|s$/, '')
