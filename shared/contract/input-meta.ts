import * as z from 'zod'
import { LaresError } from '../base/errors.ts'

/** How Lares fills a field from what a person says; `slot-filling.ts` reads them. */
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

/** What Lares itself reads of a field's `meta`. */
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
 * Refuses what a field's `meta` says and nobody reads, as `aks` for `ask`. Errors: `invalid_config`, which names the skill,
 * the key and the keys that there are.
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
