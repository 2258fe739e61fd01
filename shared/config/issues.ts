import type * as z from 'zod'

type Issue = z.core.$ZodIssue

/**
 * Says what a value must be, for people who do not know zod. The text follows "NAME must be". `expected` is the
 * schema's own text, if it has one, as zod puts it into the message.
 */
export function explainIssue(issue: Issue): string {
  if (issue.code === 'invalid_type') return article(issue.expected)
  if (issue.code === 'invalid_value') return `one of ${issue.values.join(', ')}`
  if (issue.code === 'too_small') return withUnit('at least', issue.minimum, issue.origin)
  if (issue.code === 'too_big') return withUnit('at most', issue.maximum, issue.origin)
  if (issue.code === 'invalid_format' && issue.message.startsWith('Invalid'))
    return issue.format === 'url' ? 'a URL, as in http://host:port' : `text of the form ${issue.pattern}`
  return issue.message
}

const NOUNS: Record<string, string> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a section with keys',
}
const article = (type: string): string => NOUNS[type] ?? type

function withUnit(bound: string, limit: number | bigint, origin: string): string {
  if (origin === 'string') return `text of ${bound} ${limit} characters`
  if (origin === 'array') return `a list of ${bound} ${limit} entries`
  return `${bound} ${limit}`
}

/** The value as given. Undefined for a missing or long value, and for a section. */
export function describeInput(input: unknown): string | undefined {
  if (!['string', 'number', 'boolean'].includes(typeof input)) return undefined
  const text = JSON.stringify(input)
  return text.length > 80 ? undefined : text
}

/** Whether a name marks a secret. Messages never repeat a secret, because they may go to a log. */
export const isSecretName = (name: string): boolean => /(token|secret|password|key|database_url)$/i.test(name)
