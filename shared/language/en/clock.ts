import { hourBefore, twoDigits } from '../moments/calendar.ts'

const HOUR = '(1[0-2]|0?[1-9]|2[0-4])'

/** Rewrites spoken times of day as clock times: "half past 6" as 6:30, "quarter to 5" as 4:45. */
export const normaliseClock = (text: string): string =>
  text
    .replace(/’/g, "'")
    .replace(/\b(?:the )?day after tomorrow\b/g, 'in 2 days')
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
