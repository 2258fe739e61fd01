import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freePort } from '../../shared/base/free-port.ts'
import { type LaresInstance, startInstance, TOKEN } from '../support/instance.ts'
import { type ModelServer, startModelServer } from '../support/model-server.ts'

let model: ModelServer
let instance: LaresInstance

beforeAll(async () => {
  model = await startModelServer()
  instance = await startInstance({ kind: 'embedded', modelUrl: model.url })
})
afterAll(async () => {
  await instance?.stop()
  await model?.close()
})

/** A line of a shell, with the same variables. */
const runShell = (line: string): Promise<CommandResult> =>
  collect(
    spawn('sh', ['-c', line], {
      env: { ...process.env, LARES_URL: instance.url, LARES_HOME: instance.home, LARES_TOKEN: TOKEN },
    }),
  )

function collect(child: ChildProcessWithoutNullStreams): Promise<CommandResult> {
  const output = { stdout: '', stderr: '' }
  child.stdout.on('data', data => (output.stdout += data))
  child.stderr.on('data', data => (output.stderr += data))
  return new Promise(resolve => child.on('close', code => resolve({ code, ...output })))
}

type CommandResult = { code: number | null; stdout: string; stderr: string }

/** The command as a person runs it, beside the running instance. */
function runLares(args: string[], input = '', variables: NodeJS.ProcessEnv = {}): Promise<CommandResult> {
  const child = spawn(process.execPath, ['infra/cli/lares.mjs', ...args], {
    env: {
      ...process.env,
      LARES_URL: instance.url,
      LARES_HOME: instance.home,
      LARES_TOKEN: TOKEN,
      OPENAI_BASE_URL: model.url,
      LARES_MODEL: 'echo',
      ...variables,
    },
  })
  child.stdin.end(input)
  return collect(child)
}

test('chat answers each line of its input', async () => {
  expect(await runLares(['chat'], 'good morning\nwhat is 12.5% of 8640?\n')).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^echo: good morning\n.*1,?080.*\n$/),
    stderr: '',
  })
})

test('inject reports that all was answered, once and in order', async () => {
  const { code, stdout } = await runLares(['inject', '--conversations', '10', '--messages', '3', '--json'])
  expect(code).toBe(0)
  expect(JSON.parse(stdout)).toMatchObject({ acknowledged: 30, replied: 30, missing: [], ok: true })
})

test('inject takes its messages from a pipe, and says what failed', async () => {
  const lines = ['{"conversation":"piped","text":"well"}', '{"conversation":"piped","text":"bad [fail:400]"}']
  const { code, stdout } = await runLares(['inject', '-'], lines.join('\n'))
  expect(code).toBe(0)
  expect(stdout).toMatch(/replied +1\n/)
  expect(stdout).toMatch(/failed, and said so +1\n/)
})

test('a dead letter is listed, shown, put back, and then marked', async () => {
  await runLares(['chat'], 'this one [fail:400]\n')
  const listed = JSON.parse((await runLares(['dead', 'list', '--json'])).stdout)
  const { id } = listed.at(-1)
  expect((await runLares(['status'])).stdout).toMatch(/Dead letters \d+ that nobody has put back/)
  const shown = JSON.parse((await runLares(['dead', 'show', id.slice(0, 8)])).stdout)
  expect(shown).toMatchObject({ id, function: 'generation', event: { type: 'lares.prompt.composed' } })
  expect((await runLares(['dead', 'retry', id])).stdout).toContain(`${id} is back on lares.prompt`)
  expect((await runLares(['dead', 'list'])).stdout).toMatch(new RegExp(`${id}[^]*put back`))
})

test('trace draws the journey of a conversation and of a message, and says what nobody knows', async () => {
  await runLares(['chat', '-c', 'traced'], 'what is 12.5% of 8640?\n')
  const { code, stdout } = await runLares(['trace', 'traced'])
  expect([code, stdout]).toEqual([0, expect.stringContaining('“what is 12.5% of 8640?”  answered after ')])
  for (const type of ['message.received', 'skill.calculator.requested', 'result.returned', 'reply.completed'])
    expect(stdout).toContain(type)
  const { turns } = JSON.parse((await runLares(['trace', 'traced', '--json'])).stdout)
  const message = JSON.parse((await runLares(['trace', turns[0].id, '--json'])).stdout)
  expect(message).toMatchObject({ conversation: 'traced', person: 'owner', turns: [{ id: turns[0].id }] })
  expect(await runLares(['trace', 'nobody-knows'])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('knows a conversation or message "nobody-knows"'),
  })
})

test('status says that all is ready, and doctor finds no problem', async () => {
  const status = await runLares(['status', '--json'])
  expect(JSON.parse(status.stdout)).toMatchObject({
    gateway: { ready: true },
    functions: expect.arrayContaining([expect.objectContaining({ name: 'dialog' })]),
  })
  const doctor = await runLares(['doctor', '--json'])
  const { ok, findings } = JSON.parse(doctor.stdout)
  expect(findings.filter((finding: { level: string }) => finding.level === 'problem')).toEqual([])
  expect([ok, doctor.code]).toEqual([true, 0])
})

test('without a gateway every command says how to start one', async () => {
  const url = { LARES_URL: `http://127.0.0.1:${await freePort()}` }
  for (const args of [
    ['chat'],
    ['inject', '--conversations', '1'],
    ['status'],
    ['trace', 'x'],
    ['dead', 'list'],
  ]) {
    const { code, stdout, stderr } = await runLares(args, 'hello\n', url)
    expect(code).toBe(1)
    expect(stdout + stderr).toContain('start it with "npm start"')
  }
})

test('with a wrong token every command says so', async () => {
  for (const args of [['chat'], ['status'], ['dead', 'list']]) {
    const { code, stdout, stderr } = await runLares(args, '', { LARES_TOKEN: 'not-the-token-of-anyone' })
    expect(code).toBe(1)
    expect(stdout + stderr).toContain('set LARES_TOKEN')
  }
})

test('what is written to a pipe has no colours', async () => {
  const { stdout } = await runLares(['status'])
  expect(stdout).not.toContain('\u001b')
})

test('memory tells what is remembered and where it came from, and forgets it', async () => {
  const input = 'remember that my bicycle lock code is 1234\nremember that my bicycle lock code is 4711\n'
  await runLares(['chat'], input)
  const listed = await runLares(['memory', 'list', 'owner', '--json'])
  const [memory, ...others] = JSON.parse(listed.stdout)
  expect(memory).toMatchObject({
    text: 'my bicycle lock code is 4711',
    sources: [{ message: expect.any(String) }],
  })
  expect(others).toEqual([])
  const before = JSON.parse((await runLares(['memory', 'list', 'owner', '--replaced', '--json'])).stdout)
  expect(before).toMatchObject([
    { text: 'my bicycle lock code is 4711' },
    { text: 'my bicycle lock code is 1234', until: memory.saidAt },
  ])
  expect((await runLares(['memory', 'list', 'owner', '--replaced'])).stdout).toMatch(/1234 \(until \d{4}-/)
  const why = await runLares(['memory', 'why', 'owner', memory.id.slice(0, 8)])
  expect(why.stdout).toContain('remember that my bicycle lock code is 4711')
  const forgotten = await runLares(['memory', 'forget', 'owner', memory.id, '--json'])
  expect(JSON.parse(forgotten.stdout)).toEqual({ id: memory.id, text: memory.text, count: 2 })
  expect((await runLares(['memory', 'list', 'owner', '--replaced'])).stdout).toContain(
    'nothing is remembered',
  )
  expect((await runLares(['memory', 'list', 'owner'])).stdout).toBe('nothing is remembered of "owner"\n')
  expect(await runLares(['memory', 'why', 'owner', memory.id])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('see lares memory list owner'),
  })
})

test('a pipe that is closed early ends a command quietly', async () => {
  const { stderr } = await runShell('node infra/cli/lares.mjs status | head -1')
  expect(stderr).toBe('')
  const help = await runShell('node infra/cli/lares.mjs --help | true')
  expect(help.stderr).toBe('')
})

test('the version, the token and the link are commands, and a group without a command shows its commands', async () => {
  expect((await runLares(['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
  expect(await runLares(['token'])).toMatchObject({ code: 0, stdout: `${TOKEN}\n` })
  expect((await runLares(['link'])).stdout).toBe(`${instance.url}/?token=${TOKEN}\n`)
  for (const group of [[], ['dead'], ['audit'], ['memory'], ['keys'], ['deliveries'], ['new']])
    expect(await runLares(group)).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('Commands:'),
      stderr: '',
    })
  expect(await runLares(['dead', 'lits'])).toMatchObject({ code: 1, stderr: expect.stringContaining('list') })
  expect(await runLares(['logs', 'time'])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('standard error'),
  })
})

test('an option that a program does not have is told in one line, with its usage', async () => {
  const { stderr } = await runShell('node infra/setup/run.mjs infra/pipeline/main.ts --chek')
  expect(stderr).toMatch(/^Unknown option '--chek'; usage: npm run pipeline .*\n$/)
})
