import type { Audit } from './audit/audit.ts'

/** Makes the key of a person who is new, before anything of theirs is kept. `Protection` is one. */
export type PersonKeys = { keys: { getOrCreate(person: string): Promise<unknown> } }

/** For an instance that `LARES_PROTECTION=off` leaves unencrypted, and for tests: nobody gets a key. */
export const noProtection: PersonKeys = { keys: { getOrCreate: async () => undefined } }

/** For tests: nothing is recorded. A gateway that people use passes `openAudit`. */
export const noAudit: Pick<Audit, 'record'> = { record: async () => undefined }
