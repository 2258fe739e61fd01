import type { Audit } from './audit/audit.ts'

/** Creates the key of a new person, before any of that person's data is stored. `Protection` implements it. */
export type PersonKeys = { keys: { getOrCreate(person: string): Promise<unknown> } }

/** For an instance that `LARES_PROTECTION=off` leaves unencrypted, and for tests: no person gets a key. */
export const noProtection: PersonKeys = { keys: { getOrCreate: async () => undefined } }

/** For tests: nothing is recorded. A gateway that people use passes `openAudit`. */
export const noAudit: Pick<Audit, 'record'> = { record: async () => undefined }
