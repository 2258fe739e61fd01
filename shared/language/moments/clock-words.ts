const HOUR = '(1[0-2]|0?[1-9]|2[0-4])'

const hourBefore = (hour: string): number => (Number(hour) + 11) % 12 || 12
const twoDigits = (minute: string | number): string => String(minute).padStart(2, '0')

/** Writes spoken times of day as a clock shows them: "half past 6" as 6:30, "quarter to 5" as 4:45, 3点1刻 as 3点15分. */
export const normaliseClockWords = (text: string): string =>
  text
    .replace(/’/g, "'")
    .replace(/\b(?:the )?day after tomorrow\b/g, 'in 2 days')
    .replace(
      /(星期|礼拜|周)([1-6])(?!\d)/g,
      (_, week: string, day: string) => week + '一二三四五六'[Number(day) - 1],
    )
    .replace(new RegExp(`\\b${HOUR} ?o'? ?clock\\b`, 'g'), '$1:00')
    .replace(new RegExp(`\\b(?:half past|(?<=\\bat )half) ${HOUR}\\b(?!:)`, 'g'), '$1:30')
    .replace(new RegExp(`\\b(?:a )?quarter (?:past|after) ${HOUR}\\b(?!:)`, 'g'), '$1:15')
    .replace(
      new RegExp(`\\b(?:a )?quarter (?:to|before|of|til) ${HOUR}\\b(?!:)`, 'g'),
      (_, hour: string) => `${hourBefore(hour)}:45`,
    )
    .replace(
      new RegExp(`\\b(\\d{1,2}) (?:minutes? )?(?:past|after) ${HOUR}\\b(?!:)`, 'g'),
      (_, minutes: string, hour: string) => `${hour}:${twoDigits(minutes)}`,
    )
    .replace(
      new RegExp(
        `\\b(\\d{1,2}) (?:minutes? )?(?:to|before) ${HOUR}\\b(?!:)(?=\\s*(?:$|[.,!?]|[ap]\\.?m|to\\b|in\\b|tomorrow|today))`,
        'g',
      ),
      (_, minutes: string, hour: string) => `${hourBefore(hour)}:${twoDigits(60 - Number(minutes))}`,
    )
    .replace(
      /\b(at|for|up|until|by|around|alarm) (1\d|2[0-3]|0?\d)(?: |\.|h)([0-5]\d)(?![\d:.%]|\s*(?:min|sec|hour|day|week|month|year))/g,
      '$1 $2:$3',
    )
    .replace(
      /\b(1\d|2[0-3]|0?\d) ?h(?:rs?|ours)?(?= *(?:$|[,.!?]|to\b))/g,
      (match, hour: string, at: number, all: string) =>
        /\b(?:at|by|around) $/.test(all.slice(0, at)) ? `${hour}:00` : match,
    )
    .replace(/(\d{1,2})点1刻/g, '$1点15分')
    .replace(/(\d{1,2})点3刻/g, '$1点45分')
    .replace(
      /(?:差|还差)(\d{1,2}|1刻)分?钟?(?:到)?(\d{1,2})点/g,
      (_, minutes: string, hour: string) =>
        `${hourBefore(hour)}点${minutes === '1刻' ? 45 : 60 - Number(minutes)}分`,
    )
