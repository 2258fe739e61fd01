import { packsReading } from '#shared/language/detection.ts'
import { findPlace } from './places.ts'

export type TimeInput = { zone?: string; day?: number }

/** The question about the time in a text; null without one. `language`: of the conversation, as a tag. */
export function parseTimeRequest(text: string, language?: string): TimeInput | null {
  const { time } = packsReading(text, language)[0]
  const zone = time.placeIn(text, name => findPlace(name) !== undefined)
  const asks = time.question.test(text) || time.isPlaceTime?.(text, name => findPlace(name) !== undefined)
  if (!asks || time.aboutSomethingElse.test(text)) return null
  const day = time.days.find(([word]) => word.test(text.toLowerCase()))?.[1]
  return { ...(zone === undefined ? {} : { zone }), ...(day === undefined ? {} : { day }) }
}
