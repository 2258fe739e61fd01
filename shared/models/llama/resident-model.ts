export type RefCountedResource<T> = {
  /** Loads the model if it is not loaded. Each acquire needs one release, also after a failure. */
  acquire(): Promise<T>
  release(): void
  /** Waits until no call uses the model, then closes it for good. */
  close(): Promise<void>
}

type Disposable = { dispose(): Promise<void> }

/**
 * A large resource that loads at its first use, and is unloaded after `idleMs` without use. A failed load is retried at
 * the next use.
 */
export function createRefCountedResource<T extends Disposable>(
  load: () => Promise<T>,
  idleMs: number,
): RefCountedResource<T> {
  let loading: Promise<T> | undefined
  let unloading = Promise.resolve()
  let users = 0
  let idleTimer: NodeJS.Timeout | undefined
  let onUnused: (() => void) | undefined

  function acquire(): Promise<T> {
    users++
    clearTimeout(idleTimer)
    loading ??= unloading.then(load).catch(error => {
      loading = undefined
      throw error
    })
    return loading
  }

  function release(): void {
    users--
    if (users > 0) return
    onUnused?.()
    if (loading) idleTimer = setTimeout(unload, idleMs).unref()
  }

  function unload(): void {
    const loaded = loading
    loading = undefined
    unloading = (loaded ?? Promise.resolve()).then(
      it => it?.dispose(),
      // A model that failed to load needs no closing; its caller has the error.
      () => undefined,
    )
  }

  async function close(): Promise<void> {
    if (users > 0) await new Promise<void>(resolve => (onUnused = resolve))
    clearTimeout(idleTimer)
    unload()
    await unloading
  }

  return { acquire, release, close }
}
