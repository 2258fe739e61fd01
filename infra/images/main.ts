import { join } from 'node:path'
import { toLaresError } from '../../shared/errors.ts'
import { makeBaseImages } from './base.ts'

/** `npm run images`: the base images for building functions where no registry of images can be reached. */
try {
  const { base, build } = await makeBaseImages({
    root: join(import.meta.dirname, '..', '..'),
    progress: line => void process.stderr.write(`${line}\n`),
  })
  process.stdout.write(`--build-arg BASE_IMAGE=${base} --build-arg BUILD_IMAGE=${build}\n`)
} catch (error) {
  process.stderr.write(`lares: ${toLaresError(error).message}\n`)
  process.exitCode = 1
}
