/** What `make` gives, made when it is first asked for and then kept. */
export function lazy<T>(create: () => T): () => T {
  let cached: { value: T } | undefined
  return () => {
    cached ??= { value: create() }
    return cached.value
  }
}
