import { LaresError } from '../../../shared/base/errors.ts'
import { silentLogger } from '../../../shared/base/log.ts'
import type { Environment } from '../../../shared/config/environment.ts'
import { openDataDirectory } from '../../../shared/host/data-directory.ts'
import { openDrivers } from '../../../shared/host/drivers.ts'
import type { ObjectStore } from '../../../shared/objects/objects.ts'
import { type Audit, openAudit } from '../../../shared/protection/audit/audit.ts'
import type { Protection } from '../../../shared/protection/protection.ts'
import type { Store } from '../../../shared/store/store.ts'
import type { Vectors } from '../../../shared/vectors/vectors.ts'

export type Stores = {
  store: Store
  vectors: Vectors
  objects: ObjectStore
  audit: Audit
  protection: Protection | undefined
}

/**
 * Runs work directly on the stores, whether Lares runs or not: several processes may share them. The embedded log is
 * not among them, because it belongs to one process.
 */
export async function withStores<T>(
  environment: Environment,
  action: (stores: Stores) => Promise<T>,
): Promise<T> {
  await openDataDirectory(environment.dataDirectory, silentLogger)
  const drivers = openDrivers(environment, silentLogger)
  try {
    const { protection } = drivers
    const store = await drivers.store()
    const [vectors, objects] = await Promise.all([drivers.vectors(), drivers.objects()])
    const audit = openAudit({ store: store.audit, protection })
    return await action({ store, vectors, objects, audit, protection })
  } finally {
    await drivers.close()
  }
}

export function requireProtection(protection: Protection | undefined): Protection {
  if (protection) return protection
  throw new LaresError(
    'invalid_config',
    'nothing is encrypted here (LARES_PROTECTION=off), so there are no keys',
  )
}
