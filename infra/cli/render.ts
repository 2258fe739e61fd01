import { stringify } from 'yaml'
import { readDeployment } from '../provider/deployment.ts'
import { buildKubernetesObjects } from '../provider/knative/manifests.ts'
import { readStackFile } from './lint/lint-stack.ts'
import { print } from './terminal.ts'

/**
 * Prints the Kubernetes objects of a stack file, for `kubectl apply --server-side -f -`. Errors: `invalid_config`,
 * `invalid_request`.
 */
export async function renderCommand(file: string, namespace: string): Promise<number> {
  const functions = await readStackFile(file, process.env)
  const objects = functions.flatMap(({ name, environment, readonly_root_filesystem, ...one }) =>
    buildKubernetesObjects(
      readDeployment({
        namespace,
        ...one,
        service: name,
        image: one.image ?? '',
        envVars: environment,
        readOnlyRootFilesystem: readonly_root_filesystem,
      }),
    ),
  )
  print(objects.map(object => stringify(object)).join('---\n'))
  return 0
}
