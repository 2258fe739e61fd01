/** Docker's own words, without what its client puts in front of them. */
export const dockerErrorMessage = <T extends Error | undefined>(error: T): string | (T & undefined) =>
  error?.message.replace(/^\(HTTP code \d+\) [\w ]+ - /, '').trim() as string | (T & undefined)
