import { LaresError } from '../../shared/base/errors.ts'

export const missingSecretError = (name: string) =>
  new LaresError('not_found', `there is no secret "${name}"; create it with faas-cli secret create`)

/** faas-cli reports 409 as an existing secret. */
export const existingSecretError = (name: string) =>
  new LaresError('conflict', `the secret "${name}" exists already; replace it with faas-cli secret update`)
