/**
 * The partition of a key, by Kafka's default partitioner (murmur2 of the UTF-8 key, made positive). So any Kafka client
 * and the embedded driver put a key on the same partition.
 */
export function partitionOf(key: string, partitions: number): number {
  return (murmur2(Buffer.from(key)) & 0x7fffffff) % partitions
}

const M = 0x5bd1e995

/** As in org.apache.kafka.common.utils.Utils.murmur2, in 32-bit integer arithmetic; the result is signed. */
export function murmur2(data: Uint8Array): number {
  const tail = data.length & ~3
  let hash = 0x9747b28c ^ data.length
  for (let at = 0; at < tail; at += 4) {
    const word = data[at]! | (data[at + 1]! << 8) | (data[at + 2]! << 16) | (data[at + 3]! << 24)
    const mixed = Math.imul(word, M)
    hash = Math.imul(hash, M) ^ Math.imul(mixed ^ (mixed >>> 24), M)
  }
  for (let at = data.length - 1; at >= tail; at--) hash ^= data[at]! << (8 * (at - tail))
  if (data.length > tail) hash = Math.imul(hash, M)
  hash = Math.imul(hash ^ (hash >>> 13), M)
  return hash ^ (hash >>> 15)
}
