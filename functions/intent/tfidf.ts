import { extractFeatures } from './features.ts'

export type TfidfVector = { at: Int32Array; value: Float32Array; knownShare: number }

export type TfidfEncoder = { size: number; encode(text: string): TfidfVector }

export const emptyTfidfVector: TfidfVector = {
  at: new Int32Array(),
  value: new Float32Array(),
  knownShare: 0,
}

/**
 * TF-IDF vectors of texts. Features that no example has count in the length of a vector, so many unknown features lower
 * the weight of the known ones. `knownShare` is the known share of the length, from 0 to 1.
 */
export function fitTfidfEncoder(texts: readonly string[]): TfidfEncoder {
  const documentFrequency = new Map<string, number>()
  for (const text of texts)
    for (const feature of new Set(extractFeatures(text)))
      documentFrequency.set(feature, (documentFrequency.get(feature) ?? 0) + 1)
  const featureIndices = new Map([...documentFrequency.keys()].map((feature, index) => [feature, index]))
  const inverseDocumentFrequency = (feature: string) =>
    Math.log((texts.length + 1) / ((documentFrequency.get(feature) ?? 0) + 1)) + 1
  return {
    size: featureIndices.size,
    encode(text) {
      const all = [...new Set(extractFeatures(text))]
      const weights = all.map(inverseDocumentFrequency)
      const length = Math.hypot(...weights) || 1
      const known = all.map(
        (feature, i) => [featureIndices.get(feature) ?? -1, weights[i]! / length] as const,
      )
      const kept = known.filter(([at]) => at >= 0)
      return {
        at: Int32Array.from(kept, ([at]) => at),
        value: Float32Array.from(kept, ([, value]) => value),
        knownShare: kept.reduce((sum, [, value]) => sum + value * value, 0),
      }
    },
  }
}
