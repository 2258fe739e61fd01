import { toLaresError } from '../../shared/base/errors.ts'
import { readOptions } from '../../shared/base/options.ts'
import { readEnvironment } from '../../shared/config/environment.ts'
import { prepareCluster } from './prepare.ts'

/** `npm run cluster [-- --keda]`: writes an overlay of infra/knative for one cluster, and prints how to apply it. */
try {
  const values = readOptions('npm run cluster -- [--keda]', { keda: { type: 'boolean', default: false } })
  const folder = await prepareCluster(readEnvironment(process.env), values)
  process.stdout.write(
    `${folder} has passwords in it; apply it with:\nkubectl apply --server-side -k ${folder}\n`,
  )
} catch (error) {
  process.stderr.write(`lares: ${toLaresError(error).message}\n`)
  process.exitCode = 1
}
