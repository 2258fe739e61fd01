import { features } from './features.ts'

export type Words = { at: Int32Array; value: Float32Array; known: number }

export type WordSpace = { size: number; weigh(text: string): Words }

export const noWords: Words = { at: new Int32Array(), value: new Float32Array(), known: 0 }

/**
 * TF-IDF of what texts are made of. Features that no example has weigh in the length of a vector, so that much unknown
 * makes the known count less; `known` is the share of the length that is known, from 0 to 1.
 */
export function openWords(texts: readonly string[]): WordSpace {
  const seenIn = new Map<string, number>()
  for (const text of texts)
    for (const feature of new Set(features(text))) seenIn.set(feature, (seenIn.get(feature) ?? 0) + 1)
  const places = new Map([...seenIn.keys()].map((feature, index) => [feature, index]))
  const rarity = (feature: string) => Math.log((texts.length + 1) / ((seenIn.get(feature) ?? 0) + 1)) + 1
  return {
    size: places.size,
    weigh(text) {
      const all = [...new Set(features(text))]
      const weights = all.map(rarity)
      const length = Math.hypot(...weights) || 1
      const known = all.map((feature, i) => [places.get(feature) ?? -1, weights[i]! / length] as const)
      const kept = known.filter(([at]) => at >= 0)
      return {
        at: Int32Array.from(kept, ([at]) => at),
        value: Float32Array.from(kept, ([, value]) => value),
        known: kept.reduce((sum, [, value]) => sum + value * value, 0),
      }
    },
  }
}
