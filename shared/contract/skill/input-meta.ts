import * as z from 'zod'
import { LaresError } from '../../base/errors.ts'

/** The ways in which Lares fills a field from a person's words; `slot-filling.ts` implements them. */
export const slotKindSchema = z.enum([
  'moment',
  'date',
  'time',
  'duration',
  'number',
  'choice',
  'place',
  'name',
  'words',
])

/** The keys of a field's `meta` that Lares reads. */
export const LARES_META_KEYS = ['reads', 'ask', 'words']

/** Annotations of JSON Schema (2020-12, "A Vocabulary for Basic Meta-Data Annotations") and zod's own `id`. */
const ANNOTATION_KEYS = [
  'title',
  'description',
  'default',
  'deprecated',
  'examples',
  'readOnly',
  'writeOnly',
  'id',
]

/**
 * Refuses unknown keys in a field's `meta`, such as `aks` for `ask`. Errors: `invalid_config`, which names the skill,
 * the key and the known keys.
 */
export function checkInputMeta(skill: string, field: z.core.$ZodType): void {
  const meta = z.globalRegistry.get(field) ?? {}
  const known = [...LARES_META_KEYS, ...ANNOTATION_KEYS]
  const unknown = Object.keys(meta).find(key => !known.includes(key) && !key.startsWith('x-'))
  if (unknown !== undefined)
    throw new LaresError(
      'invalid_config',
      `the skill "${skill}" has "${unknown}" in the meta of its input, which nothing reads: use ${LARES_META_KEYS.join(', ')}, title or description; keys of your own begin with x-`,
    )
  if (meta.reads !== undefined && !slotKindSchema.safeParse(meta.reads).success)
    throw new LaresError(
      'invalid_config',
      `the skill "${skill}" has reads: ${JSON.stringify(meta.reads)} in the meta of its input: use one of ${slotKindSchema.options.join(', ')}`,
    )
}
