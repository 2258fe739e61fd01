import { request } from 'undici'
import { type Manifest, manifestSchema } from '../../shared/contract/catalogue.ts'

const TIMEOUT_MS = 10_000

/** Asks a running function for its manifest; undefined when the function has none or does not answer within 10 s. */
export async function fetchManifest(origin: string): Promise<Manifest | undefined> {
  const response = await request(`${origin}/_/manifest`, { headersTimeout: TIMEOUT_MS }).catch(
    () => undefined,
  )
  const body = await response?.body.json().catch(() => undefined)
  return manifestSchema.safeParse(body).data
}
