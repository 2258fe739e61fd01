import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { LaresError } from '../../shared/base/errors.ts'

const KAFKA_VERSION = '4.1.0'
const run = promisify(execFile)

/**
 * The folder with Kafka's jars below `cache`. Maven downloads them when they are missing. The download goes to a
 * temporary folder, which is then renamed, so an interrupted download leaves no partial result. Errors: `unavailable`,
 * with the remedy.
 */
export async function ensureKafkaJars(cache: string, onProgress: (line: string) => void): Promise<string> {
  const folder = join(cache, `kafka-${KAFKA_VERSION}`)
  if (existsSync(folder)) return folder
  await requireTool('java', 'install Java 17, as in: apt-get install openjdk-17-jre-headless')
  await requireTool('mvn', 'install Maven, as in: apt-get install maven')
  onProgress(`fetching Kafka ${KAFKA_VERSION} with Maven (43 MB, about a minute)`)
  await mkdir(cache, { recursive: true })
  const partialFolder = await mkdtemp(`${folder}-`)
  try {
    const pom = join(import.meta.dirname, 'pom.xml')
    await run('mvn', [
      '--batch-mode',
      '--quiet',
      '--file',
      pom,
      'dependency:copy-dependencies',
      `-DoutputDirectory=${partialFolder}`,
    ])
    await rename(partialFolder, folder)
  } catch (cause) {
    await rm(partialFolder, { recursive: true, force: true })
    if (existsSync(folder)) return folder
    throw new LaresError(
      'unavailable',
      `Kafka could not be fetched: ${(cause as Error).message}; is the network there?`,
      { cause },
    )
  }
  onProgress(`Kafka ${KAFKA_VERSION} is in ${dirname(folder)}`)
  return folder
}

export async function requireTool(command: string, remedy: string): Promise<void> {
  await run(command, ['-version']).catch(cause => {
    throw new LaresError('unavailable', `"${command}" is not on this machine: ${remedy}`, { cause })
  })
}
