/** Docker's own message, without the prefix of its client. */
export const dockerErrorMessage = <T extends Error | undefined>(error: T): string | (T & undefined) =>
  error?.message.replace(/^\(HTTP code \d+\) [\w ]+ - /, '').trim() as string | (T & undefined)
