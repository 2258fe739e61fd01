import { formatTime, type WallTime, wallTime } from './dates.ts'
import { packFor } from './packs.ts'

/** Dates in a person's language. The words and signs are our own, because those of Intl change with its version. */

/** "Friday, 27 March 2026", 2026年3月27日星期五 */
export const formatDate = (wall: WallTime, language: string): string =>
  packFor(language).dates.formatDate(wall)

/** "Friday, 27 March 2026 at 09:05", 2026年3月27日星期五 09:05 */
export function formatDateTime(when: Date, timeZone: string, language: string): string {
  const wall = wallTime(when, timeZone)
  const { dates } = packFor(language)
  return dates.formatDateTime(dates.formatDate(wall), formatTime(wall))
}
