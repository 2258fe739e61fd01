import { hourBefore } from '../moments/calendar.ts'

/** Rewrites spoken times of day as clock times: 3点1刻 as 3点15分, 差5分6点 as 5点55分. */
export const normaliseClock = (text: string): string =>
  text
    .replace(
      /(星期|礼拜|周)([1-6])(?!\d)/g,
      (_, week: string, day: string) => week + '一二三四五六'[Number(day) - 1],
    )
    .replace(/(\d{1,2})点1刻/g, '$1点15分')
    .replace(/(\d{1,2})点3刻/g, '$1点45分')
    .replace(
      /(?:差|还差)(\d{1,2}|1刻)分?钟?(?:到)?(\d{1,2})点/g,
      (_, minutes: string, hour: string) =>
        `${hourBefore(hour)}点${minutes === '1刻' ? 45 : 60 - Number(minutes)}分`,
    )
