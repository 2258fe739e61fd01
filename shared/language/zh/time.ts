import type { TimeLanguage } from '../skill-language.ts'
import { mainZones, places } from './places.ts'

const PLACE_NAMES = [...Object.keys(places), ...Object.keys(mainZones)].sort((a, b) => b.length - a.length)

export const time: TimeLanguage = {
  title: '时间和日期',
  examples: [
    '现在几点？',
    '几点了',
    '请问现在是什么时间？',
    '东京现在几点？',
    '纽约是什么时间？',
    '今天几号？',
    '今天是星期几？',
    '今天是什么日期？',
    '明天是星期几？',
    '现在是什么时候？',
    '请告诉我现在的时间',
    '现在是几月几号？',
  ],
  question:
    /几点|几号|几月|星期几|周几|礼拜几|哪天|哪一天|什么时间|什么时候|什么日期|几几年|哪一年|时间|日期/,
  aboutSomethingElse:
    /我的|开门|关门|开始|结束|出发|到达|火车|飞机|航班|会议|生日|节|最好|多久|多长|过得|应该|起床|睡/,
  days: [
    [/后天/, 2],
    [/明天/, 1],
    [/前天/, -2],
    [/昨天/, -1],
  ],
  /** The longest place name in the text. */
  placeIn: text => PLACE_NAMES.find(name => text.includes(name)),
  places,
  mainZones,
  phrases: {
    now: (clock, date, place) => `${place ?? ''}现在是${date} ${clock}。`,
    other: date => `是${date}。`,
    unknown: place => `我不知道${place}在哪个时区。`,
  },
}
