import { LaresError } from '../../../shared/base/errors.ts'
import { noLog } from '../../../shared/base/log.ts'
import type { Environment } from '../../../shared/config/environment.ts'
import { openDrivers } from '../../../shared/host/drivers.ts'
import type { ObjectStore } from '../../../shared/objects/objects.ts'
import { type Audit, openAudit } from '../../../shared/protection/audit/audit.ts'
import type { Protection } from '../../../shared/protection/protection.ts'
import type { Conversations } from '../../../shared/store/store.ts'
import type { Vectors } from '../../../shared/vectors/vectors.ts'

export type Stores = {
  conversations: Conversations
  vectors: Vectors
  objects: ObjectStore
  audit: Audit
  protection: Protection | undefined
}

/**
 * Works on the stores themselves, whether Lares runs or not: several processes may share them. Not on the embedded log,
 * which belongs to one.
 */
export async function withStores<T>(
  environment: Environment,
  work: (stores: Stores) => Promise<T>,
): Promise<T> {
  const drivers = openDrivers(environment, noLog)
  try {
    const { protection } = drivers
    const conversations = await drivers.conversations()
    const [vectors, objects] = await Promise.all([drivers.vectors(), drivers.objects()])
    const audit = openAudit({ store: conversations.audit, protection })
    return await work({ conversations, vectors, objects, audit, protection })
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
