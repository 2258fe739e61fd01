/**
 * Nobody reads on, as after `| head`: a program of lines ends quietly then, as Unix programs do at SIGPIPE (which Node
 * ignores). Other errors of the stream stay errors.
 */
export function exitOnClosedPipe(): void {
  onClosedPipe(() => process.exit(process.exitCode ?? 0))
}

/** A server goes on when nobody reads its output any more. */
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
