/** Docker's own words, without what its client puts in front of them. */
export const dockerSaid = <T extends Error | undefined>(problem: T): string | (T & undefined) =>
  problem?.message.replace(/^\(HTTP code \d+\) [\w ]+ - /, '').trim() as string | (T & undefined)
