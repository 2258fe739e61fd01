import { containsChinese } from '#shared/language/detection.ts'

/** Places that people name and that are no time zone's name, with the zone to use. Of countries with several zones, the capital's. */
const zoneByPlace: Readonly<Record<string, string>> = {
  // Countries
  china: 'Asia/Shanghai',
  japan: 'Asia/Tokyo',
  korea: 'Asia/Seoul',
  'south korea': 'Asia/Seoul',
  india: 'Asia/Kolkata',
  thailand: 'Asia/Bangkok',
  vietnam: 'Asia/Ho_Chi_Minh',
  germany: 'Europe/Berlin',
  france: 'Europe/Paris',
  italy: 'Europe/Rome',
  spain: 'Europe/Madrid',
  austria: 'Europe/Vienna',
  switzerland: 'Europe/Zurich',
  netherlands: 'Europe/Amsterdam',
  poland: 'Europe/Warsaw',
  sweden: 'Europe/Stockholm',
  norway: 'Europe/Oslo',
  greece: 'Europe/Athens',
  ukraine: 'Europe/Kyiv',
  uk: 'Europe/London',
  england: 'Europe/London',
  britain: 'Europe/London',
  scotland: 'Europe/London',
  'united kingdom': 'Europe/London',
  'new zealand': 'Pacific/Auckland',
  hawaii: 'Pacific/Honolulu',
  california: 'America/Los_Angeles',
  texas: 'America/Chicago',
  florida: 'America/New_York',
  // Cities
  beijing: 'Asia/Shanghai',
  shenzhen: 'Asia/Shanghai',
  guangzhou: 'Asia/Shanghai',
  chengdu: 'Asia/Shanghai',
  delhi: 'Asia/Kolkata',
  'new delhi': 'Asia/Kolkata',
  mumbai: 'Asia/Kolkata',
  bangalore: 'Asia/Kolkata',
  osaka: 'Asia/Tokyo',
  kyoto: 'Asia/Tokyo',
  hanoi: 'Asia/Ho_Chi_Minh',
  'abu dhabi': 'Asia/Dubai',
  'tel aviv': 'Asia/Jerusalem',
  kiev: 'Europe/Kyiv',
  munich: 'Europe/Berlin',
  hamburg: 'Europe/Berlin',
  frankfurt: 'Europe/Berlin',
  cologne: 'Europe/Berlin',
  geneva: 'Europe/Zurich',
  milan: 'Europe/Rome',
  barcelona: 'Europe/Madrid',
  edinburgh: 'Europe/London',
  manchester: 'Europe/London',
  'saint petersburg': 'Europe/Moscow',
  'new york city': 'America/New_York',
  nyc: 'America/New_York',
  boston: 'America/New_York',
  washington: 'America/New_York',
  miami: 'America/New_York',
  atlanta: 'America/New_York',
  philadelphia: 'America/New_York',
  montreal: 'America/Toronto',
  dallas: 'America/Chicago',
  houston: 'America/Chicago',
  austin: 'America/Chicago',
  'san francisco': 'America/Los_Angeles',
  la: 'America/Los_Angeles',
  seattle: 'America/Los_Angeles',
  'las vegas': 'America/Los_Angeles',
  'san diego': 'America/Los_Angeles',
  rio: 'America/Sao_Paulo',
  'rio de janeiro': 'America/Sao_Paulo',
  canberra: 'Australia/Sydney',
  wellington: 'Pacific/Auckland',
  'cape town': 'Africa/Johannesburg',
  utc: 'UTC',
  gmt: 'UTC',
  // 中文
  中国: 'Asia/Shanghai',
  北京: 'Asia/Shanghai',
  上海: 'Asia/Shanghai',
  广州: 'Asia/Shanghai',
  深圳: 'Asia/Shanghai',
  成都: 'Asia/Shanghai',
  杭州: 'Asia/Shanghai',
  香港: 'Asia/Hong_Kong',
  澳门: 'Asia/Macau',
  台北: 'Asia/Taipei',
  日本: 'Asia/Tokyo',
  东京: 'Asia/Tokyo',
  大阪: 'Asia/Tokyo',
  韩国: 'Asia/Seoul',
  首尔: 'Asia/Seoul',
  新加坡: 'Asia/Singapore',
  曼谷: 'Asia/Bangkok',
  泰国: 'Asia/Bangkok',
  吉隆坡: 'Asia/Kuala_Lumpur',
  河内: 'Asia/Ho_Chi_Minh',
  印度: 'Asia/Kolkata',
  新德里: 'Asia/Kolkata',
  孟买: 'Asia/Kolkata',
  迪拜: 'Asia/Dubai',
  伊斯坦布尔: 'Europe/Istanbul',
  莫斯科: 'Europe/Moscow',
  俄罗斯: 'Europe/Moscow',
  英国: 'Europe/London',
  伦敦: 'Europe/London',
  法国: 'Europe/Paris',
  巴黎: 'Europe/Paris',
  德国: 'Europe/Berlin',
  柏林: 'Europe/Berlin',
  慕尼黑: 'Europe/Berlin',
  法兰克福: 'Europe/Berlin',
  意大利: 'Europe/Rome',
  罗马: 'Europe/Rome',
  米兰: 'Europe/Rome',
  西班牙: 'Europe/Madrid',
  马德里: 'Europe/Madrid',
  巴塞罗那: 'Europe/Madrid',
  维也纳: 'Europe/Vienna',
  苏黎世: 'Europe/Zurich',
  阿姆斯特丹: 'Europe/Amsterdam',
  纽约: 'America/New_York',
  波士顿: 'America/New_York',
  华盛顿: 'America/New_York',
  芝加哥: 'America/Chicago',
  洛杉矶: 'America/Los_Angeles',
  旧金山: 'America/Los_Angeles',
  西雅图: 'America/Los_Angeles',
  多伦多: 'America/Toronto',
  温哥华: 'America/Vancouver',
  墨西哥城: 'America/Mexico_City',
  圣保罗: 'America/Sao_Paulo',
  悉尼: 'Australia/Sydney',
  墨尔本: 'Australia/Melbourne',
  奥克兰: 'Pacific/Auckland',
  开罗: 'Africa/Cairo',
  夏威夷: 'Pacific/Honolulu',
}

/** Of these the answer names the zone's city instead, since the place has several times. */
const mainZoneByPlace: Readonly<Record<string, string>> = {
  usa: 'America/New_York',
  us: 'America/New_York',
  america: 'America/New_York',
  'united states': 'America/New_York',
  canada: 'America/Toronto',
  australia: 'Australia/Sydney',
  brazil: 'America/Sao_Paulo',
  russia: 'Europe/Moscow',
  mexico: 'America/Mexico_City',
  indonesia: 'Asia/Jakarta',
  美国: 'America/New_York',
  加拿大: 'America/Toronto',
  澳大利亚: 'Australia/Sydney',
  巴西: 'America/Sao_Paulo',
}

export type Place = { zone: string; label: string }

const cityOfZone = (zone: string): string => zone.slice(zone.lastIndexOf('/') + 1).replaceAll('_', ' ')

let zoneCache: Map<string, string> | undefined

/** Zones by their names and by their cities' names, in lower case. */
function zonesByName(): Map<string, string> {
  if (zoneCache) return zoneCache
  const all = Intl.supportedValuesOf('timeZone')
  zoneCache = new Map(
    all.flatMap(zone => [
      [cityOfZone(zone).toLowerCase(), zone],
      [zone.toLowerCase(), zone],
    ]),
  )
  return zoneCache
}

/** The zone of a place as people call it, in English or Chinese, or of a zone's name; undefined when it is not known. */
export function findPlace(name: string): Place | undefined {
  const normalised = name.trim().toLowerCase().replaceAll('_', ' ').replace(/^the /, '')
  const mainZone = mainZoneByPlace[normalised]
  if (mainZone) return { zone: mainZone, label: cityOfZone(mainZone) }
  const zone =
    zoneByPlace[normalised] ??
    zonesByName().get(normalised) ??
    zonesByName().get(normalised.replaceAll(' ', '_'))
  if (!zone) return undefined
  return { zone, label: normalised.includes('/') ? cityOfZone(zone) : name.trim() }
}

/** The first place with a Chinese name in a text, the longest name first. */
export const findChinesePlace = (text: string): string | undefined =>
  [...Object.keys(zoneByPlace), ...Object.keys(mainZoneByPlace)]
    .filter(name => containsChinese(name) && text.includes(name))
    .sort((a, b) => b.length - a.length)[0]
