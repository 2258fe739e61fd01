import * as z from 'zod'
import type { Records } from '../store/store.ts'
import { skillRequestType, topicOf } from './events/event-types.ts'
import { retryPolicySchema } from './retry-policy.ts'
import type { DeployedFunction } from './stack.ts'

/** A skill's description of itself: how Lares recognises it, offers it to a model and calls it. */
export const skillManifestSchema = z.strictObject({
  name: z.string(),
  /** The skill's name for people. */
  /** By BCP 47 tag. */
  title: z.record(z.string(), z.string()).optional(),
  description: z.string(),
  /** Messages that ask for the skill. */
  examples: z.array(z.string()),
  /** JSON Schema of its input. */
  input: z.record(z.string(), z.unknown()),
  /** Whether a person's words alone can call the skill, so that no model has to fill its input. */
  readsText: z.boolean(),
})
export type SkillManifest = z.infer<typeof skillManifestSchema>

export const manifestSchema = z.strictObject({
  name: z.string(),
  /** The topics that the function reads. */
  topics: z.array(z.string()),
  /** Event types that the function may emit; `*` stands for a name. */
  emits: z.array(z.string()),
  uses: z.array(z.string()),
  /** The number of events that one process of the function handles at once. */
  concurrency: z.int().positive(),
  /** The longest time for one event. */
  timeoutMs: z.int().positive().optional(),
  /** The connector's retry policy for the function, where it differs from the default. */
  retry: retryPolicySchema.partial().optional(),
  skill: skillManifestSchema.optional(),
})
/** The answer of `GET /_/manifest`. */
export type Manifest = z.infer<typeof manifestSchema>

/** The manifests of the deployed functions, as the connector last saw them. */
export type Catalogue = {
  /** The skills by name, from a copy that is at most a second old. */
  skills(): Promise<SkillManifest[]>
  /**
   * Replaces the known skills with those of these manifests. When a function in `deployed` has no manifest here, it is
   * unreachable just now, and its known skills stay.
   */
  write(manifests: Manifest[], deployed?: string[]): Promise<void>
  /**
   * The functions that a connector last saw deployed, and removed functions that still have unfinished requests. Older
   * versions stored no such list; their data gives each known skill as a function of that name.
   */
  seenFunctions(): Promise<DeployedFunction[]>
  writeSeenFunctions(functions: DeployedFunction[]): Promise<void>
}

const CATALOGUE_COLLECTION = 'catalogue'
const SEEN_FUNCTIONS = { collection: 'deployed', person: '', id: 'functions' }
const seenFunctionsSchema = z.object({
  functions: z.array(z.object({ name: z.string(), topics: z.array(z.string()) })),
})
const CACHE_TTL_MS = 1_000
const MAX_SKILLS = 1_000

/** Stores the catalogue as records that belong to no person. So every process that reaches the store can read it. */
export function openCatalogue(records: Records, now: () => number = Date.now): Catalogue {
  let cached: { skills: SkillManifest[]; readAt: number } | undefined
  const read = async () => {
    const stored = await records.list({ collection: CATALOGUE_COLLECTION, person: '', limit: MAX_SKILLS })
    // A catalogue of another version is ignored and written anew.
    return stored
      .flatMap(({ body }) => skillManifestSchema.safeParse(body).data ?? [])
      .sort((a, b) => (a.name < b.name ? -1 : 1))
  }
  return {
    async skills() {
      if (!cached || now() - cached.readAt > CACHE_TTL_MS) cached = { skills: await read(), readAt: now() }
      return cached.skills
    },
    async write(manifests, deployed = []) {
      const skills = manifests.flatMap(({ skill }) => skill ?? [])
      const reported = new Set(manifests.map(({ name }) => name))
      const unreachable = new Set(deployed.filter(name => !reported.has(name)))
      const known = await read()
      for (const { name } of known)
        if (!unreachable.has(name) && !skills.some(skill => skill.name === name))
          await records.delete({ collection: CATALOGUE_COLLECTION, person: '', id: name })
      for (const skill of skills)
        if (JSON.stringify(skill) !== JSON.stringify(known.find(({ name }) => name === skill.name)))
          await records.put(CATALOGUE_COLLECTION, {
            id: skill.name,
            person: '',
            text: '',
            body: skill,
            createdAt: new Date(now()).toISOString(),
          })
      cached = undefined
    },
    async seenFunctions() {
      const record = await records.get(SEEN_FUNCTIONS)
      const stored = record && seenFunctionsSchema.safeParse(record.body).data
      if (stored) return stored.functions
      return (await read()).map(({ name }) => ({ name, topics: [topicOf(skillRequestType(name))] }))
    },
    async writeSeenFunctions(functions) {
      const { collection, ...key } = SEEN_FUNCTIONS
      await records.put(collection, {
        ...key,
        text: '',
        body: { functions },
        createdAt: new Date(now()).toISOString(),
      })
    },
  }
}
