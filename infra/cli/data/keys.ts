import { setTimeout as wait } from 'node:timers/promises'
import type { Environment } from '../../../shared/config/environment.ts'
import { generateMasterKeyText } from '../../../shared/protection/master-key.ts'
import { print, printJson } from '../terminal.ts'
import { requireProtection, withStores } from './stores.ts'

const SETTLE_MS = 2_000

/**
 * Replaces the master key: adds a new one before the old one, wraps all keys again, and removes the old one. Running
 * processes read the new one when they next need a master key, and find both until the end.
 */
export async function rotateKeys(
  environment: Environment,
  { rewrap: onlyRewrap, json }: { rewrap?: boolean; json?: boolean },
): Promise<number> {
  const rewrapped = await withStores(environment, async ({ protection, audit }) => {
    const { masterKeys, keys, ready } = requireProtection(protection)
    await ready()
    const file = await masterKeys()
    if (!onlyRewrap) await file.write([generateMasterKeyText(), ...(await file.texts())])
    let count = await keys.rewrap()
    // A process that read the old key just before has stored its new key in the ring by then.
    await wait(SETTLE_MS)
    count += await keys.rewrap()
    if (!onlyRewrap) await file.write((await file.texts()).slice(0, 1))
    await audit.record({ action: 'keys-rotated', by: 'operator', about: { keys: count } })
    return count
  })
  if (json) {
    printJson({ rewrapped })
    return 0
  }
  print(
    `${rewrapped} keys are locked with the new master key; copies of the ring that were locked with the old one are worthless`,
  )
  if (onlyRewrap) print('the old master key can be taken away now, wherever it is')
  return 0
}
