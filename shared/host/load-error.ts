import { execFile } from 'node:child_process'
import { dirname } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { LaresError } from '../base/errors.ts'

/** Node begins the stack of an error in TypeScript syntax with file and line: `/folder/handler.ts:3`. */
const HEADING = /^(?:file:\/\/)?(\/[^\n]+:\d+)\n/
/** A stack frame of a file; frames of Node itself begin with `node:`. */
const FRAME = /\bfile:\/\/\/[^\s)]+?:\d+(?=:\d+)/g
/** Frames in this folder are those of the loader, which does not contain the mistake. */
const OWN_FOLDER = new URL('.', import.meta.url).href

/** The error for a handler that does not load, with file and line of the mistake if Node gives them. */
export async function loadError(file: string, cause: unknown): Promise<LaresError> {
  const place = (await placeOf(file, cause)) ?? file
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new LaresError('invalid_config', `${place} cannot be loaded: ${reason}`, { cause })
}

async function placeOf(file: string, cause: unknown): Promise<string | undefined> {
  const stack = cause instanceof Error ? (cause.stack ?? '') : ''
  const heading = HEADING.exec(stack)?.[1]
  if (heading !== undefined) return heading
  const frames: string[] = stack.match(FRAME) ?? []
  const handlerFolder = pathToFileURL(`${dirname(file)}/`).href
  // The handler's own frame comes first: what it calls of Lares, as `defineSkill`, only finds the mistake.
  const frame =
    frames.find(one => one.startsWith(handlerFolder)) ?? frames.find(one => !one.startsWith(OWN_FOLDER))
  if (frame !== undefined) return fileURLToPath(frame)
  return cause instanceof SyntaxError ? await placeFromCheck(file) : undefined
}

/** For a mistake in JavaScript Node prints the line, but the error itself lacks it. */
async function placeFromCheck(file: string): Promise<string | undefined> {
  const run = promisify(execFile)(process.execPath, ['--check', file])
  const printed = await run.then(
    () => '',
    ({ stderr }: { stderr?: string }) => stderr ?? '',
  )
  return HEADING.exec(printed)?.[1]
}
