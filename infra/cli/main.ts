import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Command, InvalidArgumentError } from 'commander'
import { exitOnClosedPipe } from '../../shared/base/closed-pipe.ts'
import { toLaresError } from '../../shared/base/errors.ts'
import { type Environment, readEnvironment } from '../../shared/config/environment.ts'
import { DEFAULT_TRACED_TURNS } from '../../shared/operations/trace-types.ts'
import type { ExportFlags } from './data/export-import.ts'
import type { ForgetFlags } from './data/forget.ts'
import type { InjectFlags } from './inject/inject.ts'
import type { RetryFlags } from './operations/dead-letters.ts'
import type { LogFlags } from './operations/logs.ts'
import { red } from './terminal.ts'

/** The action of a command; it resolves with the exit status. Its code is loaded at its first call. */
type CommandAction = () => Promise<number>

async function runCommand(action: CommandAction): Promise<void> {
  try {
    process.exitCode = await action()
  } catch (error) {
    process.stderr.write(`${red('lares:')} ${toLaresError(error).message}\n`)
    process.exitCode = 1
  }
}

const runWithEnvironment = (action: (environment: Environment) => Promise<number>) =>
  runCommand(() => action(readEnvironment(process.env)))

const parsePositiveInteger = (text: string): number => {
  const value = Number(text)
  if (Number.isInteger(value) && value > 0) return value
  throw new InvalidArgumentError('It is a whole number above 0.')
}

const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '..', '..', 'package.json'), 'utf8'))

const program = new Command('lares')
  .version(version, '-V, --version', 'print the version')
  .description('Talk to Lares, try it out, and look after it.')
  .addHelpText(
    'after',
    '\nThe gateway is at LARES_URL (default http://127.0.0.1:PORT); the token is LARES_TOKEN or LARES_HOME/token.',
  )

program
  .command('start')
  .description('run everything in one process, as npm start does')
  .action(() => runCommand(async () => (await import('./start.ts')).startCommand()))

program
  .command('link')
  .description('print the links that open the page signed in as the owner')
  .action(() =>
    runWithEnvironment(async environment => (await import('./sign-in.ts')).linkCommand(environment)),
  )

program
  .command('token')
  .description("print the owner's token")
  .action(() =>
    runWithEnvironment(async environment => (await import('./sign-in.ts')).tokenCommand(environment)),
  )

program
  .command('logs')
  .description('print what a function that a provider runs has written')
  .argument('<function>', 'its name')
  .option('-f, --follow', 'go on until Ctrl-C')
  .option('--last <number>', 'how many lines of before', parsePositiveInteger, 100)
  .action((name: string, flags: LogFlags) =>
    runWithEnvironment(async environment =>
      (await import('./operations/logs.ts')).logsCommand(environment, name, flags),
    ),
  )

program
  .command('chat')
  .description('talk in the terminal; with input from a pipe, each line is a message')
  .option('-c, --conversation <id>', 'go on with this conversation, or begin it')
  .action((flags: { conversation?: string }) =>
    runWithEnvironment(async environment => {
      const [{ connectToGateway }, { chatCommand }] = await Promise.all([
        import('./connection.ts'),
        import('./chat/chat.ts'),
      ])
      return await chatCommand(await connectToGateway(environment), flags.conversation)
    }),
  )

program
  .command('inject')
  .description('send simulated messages and report what became of each')
  .argument('[file]', 'lines of JSON {conversation, text, atMs?, key?} or of plain text; - is the input')
  .option('-c, --conversation <id>', 'put lines of plain text into this conversation instead of one each')
  .option('--conversations <number>', 'instead of a file: this many conversations', parsePositiveInteger)
  .option('--messages <number>', 'messages in each of them', parsePositiveInteger, 1)
  .option('--text <template>', 'what they say', 'Message {message} of conversation {conversation}')
  .option(
    '--rate <per second>',
    'messages a second (default: as fast as they are accepted)',
    parsePositiveInteger,
  )
  .option('--in-flight <number>', 'messages that are not acknowledged yet, at most', parsePositiveInteger, 64)
  .option(
    '--timeout <seconds>',
    'how long nothing may happen before the rest counts as missing',
    parsePositiveInteger,
    60,
  )
  .option('--json', 'report as JSON')
  .action((file: string | undefined, flags: InjectFlags) =>
    runWithEnvironment(async environment => {
      const [{ connectToGateway }, { injectCommand }] = await Promise.all([
        import('./connection.ts'),
        import('./inject/inject.ts'),
      ])
      return await injectCommand(await connectToGateway(environment), file, flags)
    }),
  )

program
  .command('status')
  .description('what is ready, how far each function is behind, and whether dead letters wait')
  .option('--json', 'as JSON')
  .action((flags: { json?: boolean }) =>
    runWithEnvironment(async environment =>
      (await import('./operations/status.ts')).statusCommand(environment, flags),
    ),
  )

program
  .command('trace')
  .description("a conversation's or a message's whole journey, and where it is now")
  .argument('<id>', 'of a conversation or a message')
  .option(
    '--turns <number>',
    'the newest so many of a conversation',
    parsePositiveInteger,
    DEFAULT_TRACED_TURNS,
  )
  .option('--json', 'as JSON')
  .action((id: string, flags: { turns: number; json?: boolean }) =>
    runWithEnvironment(async environment =>
      (await import('./operations/trace.ts')).traceCommand(environment, id, flags),
    ),
  )

program
  .command('dev')
  .description('run everything, and start it again when a function, the configuration or the code changes')
  .action(() =>
    runWithEnvironment(async ({ configDirectory: config, skillFolders }) =>
      (await import('./dev.ts')).devCommand({ root: process.cwd(), config, skillFolders }),
    ),
  )

program
  .command('doctor')
  .description('look for what is wrong, with its remedy; works when nothing runs')
  .option('--json', 'as JSON')
  .action((flags: { json?: boolean }) =>
    runCommand(async () => (await import('./doctor/doctor.ts')).doctorCommand(process.env, flags)),
  )

program
  .command('lint')
  .description('what a target would refuse or ignore of a stack file, with what to do')
  .argument('[file]', 'the stack file', 'stack.yml')
  .option('--target <target>', 'openfaas-ce, openfaas-pro, knative or lares', 'lares')
  .option('--json', 'as JSON')
  .action((file: string, flags: { target: string; json?: boolean }) =>
    runCommand(async () => (await import('./lint/lint.ts')).lintCommand(file, flags)),
  )

program
  .command('render')
  .description('Knative objects of a stack file, for kubectl apply --server-side -f -')
  .argument('[file]', 'the stack file', 'stack.yml')
  .option('--namespace <namespace>', 'of functions that name none', 'openfaas-fn')
  .action((file: string, flags: { namespace: string }) =>
    runCommand(async () => (await import('./render.ts')).renderCommand(file, flags.namespace)),
  )

program
  .command('new')
  .description('write something new')
  .command('skill')
  .description('a skill that works, with its test, in LARES_HOME/skills')
  .argument('<name>', 'lower-case letters, digits and dashes')
  .option('--in <folder>', 'another folder; functions/skills adds an entry to stack.yml')
  .action((name: string, flags: { in?: string }) =>
    runWithEnvironment(async environment =>
      (await import('./new-skill.ts')).newSkillCommand(environment, name, flags),
    ),
  )

program
  .command('test')
  .description('run tests')
  .command('skill')
  .description("the tests of the operator's own skills, in SKILLS_PATH and LARES_HOME/skills")
  .argument('[name]', 'of one skill; default: all')
  .action((name: string | undefined) =>
    runWithEnvironment(async environment =>
      (await import('./test-skill.ts')).testSkillCommand(environment, name),
    ),
  )

const deadLetterCommand = program.command('dead').description('events that failed for good')

deadLetterCommand
  .command('list')
  .description('all of them, the newest last')
  .option('--json', 'as JSON')
  .action((flags: { json?: boolean }) =>
    runWithEnvironment(async environment =>
      (await import('./operations/dead-letters.ts')).listDeadLetters(environment, flags),
    ),
  )

deadLetterCommand
  .command('show')
  .description('one of them, whole')
  .argument('<id>', 'as "dead list" shows it; its beginning is enough')
  .action((id: string) =>
    runWithEnvironment(async environment =>
      (await import('./operations/dead-letters.ts')).showDeadLetter(environment, id),
    ),
  )

deadLetterCommand
  .command('retry')
  .description('put it back on its topic, as it was')
  .argument('[id]', 'as "dead list" shows it; its beginning is enough')
  .option('--all', 'every one that was not put back yet, in the order of their topics')
  .option('--force', 'also when no function is there to read it')
  .action((id: string | undefined, flags: RetryFlags) =>
    runWithEnvironment(async environment =>
      (await import('./operations/dead-letters.ts')).retryDeadLetters(environment, id, flags),
    ),
  )

const deliveryCommand = program
  .command('deliveries')
  .description('replies that are pushed to the channels of gateway.yaml')

deliveryCommand
  .command('list')
  .description('how many wait for each channel, and the last hundred that were given up')
  .option('--json', 'as JSON')
  .action((flags: { json?: boolean }) =>
    runWithEnvironment(async environment =>
      (await import('./operations/deliveries.ts')).listDeliveries(environment, flags),
    ),
  )

deliveryCommand
  .command('retry')
  .description('send what was given up once more, as it was')
  .argument('[id]', 'of the reply, as "deliveries list" shows it; its beginning is enough')
  .option('--all', 'every one, the oldest first')
  .action((id: string | undefined, flags: { all?: boolean }) =>
    runWithEnvironment(async environment =>
      (await import('./operations/deliveries.ts')).retryDeliveries(environment, id, flags),
    ),
  )

program
  .command('export')
  .description('write all that is kept, as lines of JSON in plain text, readable by you alone')
  .argument('<path>', 'a new file; or a directory, in which attachments are files of their own')
  .option('--person <person>', "one person's only")
  .option('--unfinished', 'also when messages wait for their reply: they count as interrupted')
  .option('--json', 'report as JSON')
  .action((path: string, flags: ExportFlags) =>
    runWithEnvironment(async environment =>
      (await import('./data/export-import.ts')).exportCommand(environment, path, flags),
    ),
  )

program
  .command('import')
  .description('put an export into the stores that the environment chooses; what is there already stays')
  .argument('<path>', 'as it was exported')
  .option('--json', 'report as JSON')
  .action((path: string, flags: { json?: boolean }) =>
    runWithEnvironment(async environment =>
      (await import('./data/export-import.ts')).importCommand(environment, path, flags),
    ),
  )

program
  .command('backup')
  .description('write everything that is kept into one encrypted file, while Lares runs')
  .argument('<file>', 'a new file')
  .option('--without-keys', 'leave the key ring out: the backup opens with the ring of today')
  .option('--json', 'report as JSON')
  .action((file: string, { withoutKeys, json }: { withoutKeys?: boolean; json?: boolean }) =>
    runWithEnvironment(async environment =>
      (await import('./backup/backup.ts')).backupCommand(environment, file, {
        keys: !withoutKeys,
        ...(json && { json }),
      }),
    ),
  )

program
  .command('restore')
  .description('put a backup into the empty deployment that the environment chooses, before its first start')
  .argument('<file>', 'as "lares backup" wrote it')
  .option('--json', 'report as JSON')
  .action((file: string, flags: { json?: boolean }) =>
    runWithEnvironment(async environment =>
      (await import('./backup/backup.ts')).restoreCommand(environment, file, flags),
    ),
  )

program
  .command('forget')
  .description("destroy a person's key and all that is kept of the person; it cannot be undone")
  .argument('<person>', 'as in gateway.yaml; the owner is "owner"')
  .option('--yes', 'do not ask')
  .option('--json', 'report as JSON')
  .action((person: string, flags: ForgetFlags) =>
    runWithEnvironment(async environment =>
      (await import('./data/forget.ts')).forgetCommand(environment, person, flags),
    ),
  )

const memoryCommand = program
  .command('memory')
  .description('what is remembered of a person, and where it came from')

memoryCommand
  .command('list')
  .description('everything, the newest first')
  .argument('<person>', 'as in gateway.yaml; the owner is "owner"')
  .option('--replaced', 'with what held before, and until when')
  .option('--json', 'as JSON')
  .action((person: string, flags: { json?: boolean; replaced?: boolean }) =>
    runWithEnvironment(async environment =>
      (await import('./data/memory.ts')).listMemories(environment, person, flags),
    ),
  )

memoryCommand
  .command('why')
  .description('the messages that it came from')
  .argument('<person>', 'as in gateway.yaml; the owner is "owner"')
  .argument('<id>', 'as "memory list" shows it; its beginning is enough')
  .option('--json', 'as JSON')
  .action((person: string, id: string, flags: { json?: boolean }) =>
    runWithEnvironment(async environment =>
      (await import('./data/memory.ts')).showMemorySources(environment, person, id, flags),
    ),
  )

memoryCommand
  .command('forget')
  .description('forget one of them, and what it had replaced')
  .argument('<person>', 'as in gateway.yaml; the owner is "owner"')
  .argument('<id>', 'as "memory list" shows it; its beginning is enough')
  .option('--json', 'as JSON')
  .action((person: string, id: string, flags: { json?: boolean }) =>
    runWithEnvironment(async environment =>
      (await import('./data/memory.ts')).deleteMemory(environment, person, id, flags),
    ),
  )

memoryCommand
  .command('rebuild')
  .description('make what is missing for the embedding model that is set now; Lares may run meanwhile')
  .option('--prune', 'remove the vectors of all other models')
  .option('--json', 'report as JSON')
  .action((flags: { prune?: boolean; json?: boolean }) =>
    runWithEnvironment(async environment =>
      (await import('./data/memory-rebuild.ts')).rebuildMemories(environment, flags),
    ),
  )

const auditCommand = program
  .command('audit')
  .description('who signed in, read, exported, forgot and used what')

auditCommand
  .command('show')
  .description('the last entries, the newest last')
  .option('--last <number>', 'how many', parsePositiveInteger, 50)
  .option('--json', 'as JSON')
  .action((flags: { last: number; json?: boolean }) =>
    runWithEnvironment(async environment => (await import('./data/audit.ts')).showAudit(environment, flags)),
  )

auditCommand
  .command('verify')
  .description('whether every entry is where it was and as it was; prints the head, to be kept elsewhere')
  .option('--head <number:hash>', 'a head that was kept elsewhere')
  .option('--json', 'as JSON')
  .action((flags: { head?: string; json?: boolean }) =>
    runWithEnvironment(async environment =>
      (await import('./data/audit.ts')).verifyAudit(environment, flags),
    ),
  )

program
  .command('keys')
  .description("the keys that people's data is encrypted with")
  .command('rotate')
  .description('a new master key; everything goes on meanwhile')
  .option('--rewrap', 'the new key is there already, before the old one')
  .option('--json', 'report as JSON')
  .action((flags: { rewrap?: boolean; json?: boolean }) =>
    runWithEnvironment(async environment => (await import('./data/keys.ts')).rotateKeys(environment, flags)),
  )

/** A command that only groups others prints its help. That is not a failure. */
function showGroupHelp(words: string[]): boolean {
  const group = words.length === 0 ? program : program.commands.find(command => command.name() === words[0])
  const isGroup = group !== undefined && words.length < 2 && group.commands.length > 0
  if (isGroup) group.outputHelp()
  return isGroup
}

exitOnClosedPipe()
if (!showGroupHelp(process.argv.slice(2))) await program.parseAsync()
