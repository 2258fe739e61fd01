import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, open, readFile, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { promisify } from 'node:util'
import { LaresError } from '../../shared/base/errors.ts'
import { freePort, isFree } from '../../shared/base/free-port.ts'
import { readEnvironment } from '../../shared/config/environment.ts'
import { ensureKafkaJars } from './jars.ts'

export type BrokerOptions = {
  /** The folder for data, settings and log. A broker that starts again on the same folder has its topics again. */
  dir: string
  port: number
  host?: string
  onProgress?: (line: string) => void
}

export type Broker = {
  /** For KAFKA_BROKERS. */
  brokers: string
  pid: number
  /** Sends SIGTERM, and waits for the end. */
  stop(): Promise<void>
  /** kill -9, and waits for the end. */
  kill(): Promise<void>
  /** Resolves when the broker has ended for any reason. */
  ended: Promise<void>
}

/** Small, quick to start, and for one machine: development and tests, not production. */
const JVM_OPTIONS = ['-Xmx384m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1']
const START_TIMEOUT_MS = 60_000
const STOP_TIMEOUT_MS = 15_000
const LOG_TAIL_LENGTH = 2_000

/**
 * Starts one Kafka node (KRaft) and resolves when it accepts connections. Errors: `unavailable`, with its last output.
 */
export async function startBroker(options: BrokerOptions): Promise<Broker> {
  const {
    dir,
    port,
    host = '127.0.0.1',
    onProgress = line => void process.stderr.write(`${line}\n`),
  } = options
  const jars = await ensureKafkaJars(readEnvironment(process.env).cacheDirectory, onProgress)
  if (!(await isFree(port, host)))
    throw new LaresError('unavailable', `${host}:${port} is taken; set KAFKA_PORT to another one`)
  const settings = await writeSettings(dir, host, port)
  const javaArguments = javaArgumentsFor(jars, dir)
  if (!existsSync(join(dir, 'data', 'meta.properties'))) await formatStorage(javaArguments, settings)
  const logFile = join(dir, 'broker.log')
  const log = await open(logFile, 'a')
  const running = spawn('java', [...javaArguments, 'kafka.Kafka', settings], {
    stdio: ['ignore', log.fd, log.fd],
  })
  await log.close()
  const ended = new Promise<void>(resolve => running.once('exit', () => resolve()))
  await waitUntilListening(running, host, port, logFile).catch(error => {
    running.kill('SIGKILL')
    throw error
  })
  const terminate = async (signal: NodeJS.Signals) => {
    running.kill(signal)
    const killTimer = setTimeout(() => running.kill('SIGKILL'), STOP_TIMEOUT_MS)
    await ended
    clearTimeout(killTimer)
  }
  return {
    brokers: `${host}:${port}`,
    pid: running.pid!,
    stop: () => terminate('SIGTERM'),
    kill: () => terminate('SIGKILL'),
    ended,
  }
}

const javaArgumentsFor = (jars: string, dir: string): string[] => [
  ...JVM_OPTIONS,
  `-Dlog4j2.configurationFile=${join(dir, 'log4j2.properties')}`,
  '-cp',
  join(jars, '*'),
]

async function writeSettings(dir: string, host: string, port: number): Promise<string> {
  await mkdir(dir, { recursive: true })
  const controller = await freePort()
  const settings = {
    'process.roles': 'broker,controller',
    'node.id': 1,
    'controller.quorum.voters': `1@${host}:${controller}`,
    listeners: `PLAINTEXT://${host}:${port},CONTROLLER://${host}:${controller}`,
    'advertised.listeners': `PLAINTEXT://${host}:${port}`,
    'controller.listener.names': 'CONTROLLER',
    'log.dirs': join(dir, 'data'),
    'offsets.topic.replication.factor': 1,
    'offsets.topic.num.partitions': 4,
    'transaction.state.log.replication.factor': 1,
    'transaction.state.log.min.isr': 1,
    'auto.create.topics.enable': false,
    // Tests kill members and need quick replacements.
    'group.initial.rebalance.delay.ms': 0,
    'group.min.session.timeout.ms': 1_000,
  }
  const file = join(dir, 'server.properties')
  await writeFile(
    file,
    Object.entries(settings)
      .map(([key, value]) => `${key}=${value}\n`)
      .join(''),
  )
  await writeFile(join(dir, 'log4j2.properties'), LOG4J_PROPERTIES)
  return file
}

const LOG4J_PROPERTIES = `appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d %p %m (%c)%n
rootLogger.level = WARN
rootLogger.appenderRef.out.ref = out
`

async function formatStorage(java: string[], settings: string): Promise<void> {
  const id = Buffer.from(randomUUID().replaceAll('-', ''), 'hex').toString('base64url')
  await promisify(execFile)('java', [
    ...java,
    'kafka.tools.StorageTool',
    'format',
    // One of 64 ids begins with a dash, and a separate argument would count as an option.
    `--cluster-id=${id}`,
    `--config=${settings}`,
  ]).catch(cause => {
    throw new LaresError(
      'unavailable',
      `Kafka's storage could not be made: ${cause.stderr || cause.message}`,
      { cause },
    )
  })
}

async function waitUntilListening(
  running: ChildProcess,
  host: string,
  port: number,
  logFile: string,
): Promise<void> {
  const isOpen = () =>
    new Promise<boolean>(resolve => {
      const socket = connect(port, host, () => resolve(true)).once('error', () => resolve(false))
      socket.once('connect', () => socket.destroy())
    })
  const deadline = performance.now() + START_TIMEOUT_MS
  while (!(await isOpen())) {
    if (running.exitCode === null && performance.now() < deadline) await wait(50)
    else
      throw new LaresError(
        'unavailable',
        `Kafka did not start: ${(await readFile(logFile, 'utf8')).slice(-LOG_TAIL_LENGTH)}`,
      )
  }
}
