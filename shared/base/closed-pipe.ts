/**
 * Ends the process quietly when the reader of its output has closed the pipe, as `| head` does. Unix programs end so at
 * SIGPIPE, which Node ignores. Other errors of the stream stay errors.
 */
export function exitOnClosedPipe(): void {
  onClosedPipe(() => process.exit(process.exitCode ?? 0))
}

/** Keeps a server running when nobody reads its output any more. */
export function surviveClosedPipe(): void {
  onClosedPipe(() => undefined)
}

function onClosedPipe(react: () => void): void {
  for (const stream of [process.stdout, process.stderr])
    stream.on('error', error => {
      if ((error as NodeJS.ErrnoException).code !== 'EPIPE') throw error
      react()
    })
}
