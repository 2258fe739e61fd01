import { LARES_VERSION } from '../../../shared/base/version.ts'
import type { Environment } from '../../../shared/config/environment.ts'
import { type FoundVersion, readVersions } from '../../../shared/host/versions.ts'
import { type Finding, ok, problem } from './finding.ts'

/** Checks the versions of the files in the data directory, and whether this Lares can read them. */
export async function checkVersions(environment: Environment, isGatewayRunning: boolean): Promise<Finding[]> {
  const versions = await readVersions(environment, isGatewayRunning)
  if (versions.length === 0) return [ok('versions', `Lares ${LARES_VERSION}; no data yet`)]
  return versions.map(describeVersion)
}

function describeVersion({ what, found, known }: FoundVersion): Finding {
  if (found > known)
    return problem(
      'versions',
      `${what} has schema ${found}, and Lares ${LARES_VERSION} knows ${known}: start a newer Lares`,
    )
  const next = found < known ? `; the next start migrates it to ${known}` : ''
  return ok('versions', `${what} has schema ${found}${next}`)
}
