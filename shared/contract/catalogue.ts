import * as z from 'zod'
import type { Records } from '../store/store.ts'
import { skillRequestType, topicOf } from './events/event-types.ts'
import { retryPolicySchema } from './retry-policy.ts'
import type { DeployedFunction } from './stack.ts'

/** What a skill tells about itself: how it is recognised, offered to a model and called. */
export const skillManifestSchema = z.strictObject({
  name: z.string(),
  /** What people call it. */
  /** By BCP 47 tag. */
  title: z.record(z.string(), z.string()).optional(),
  description: z.string(),
  /** Things people say when they want it. */
  examples: z.array(z.string()),
  /** JSON Schema of its input. */
  input: z.record(z.string(), z.unknown()),
  /** It can be called with a person's words alone; no model is needed to fill its input. */
  readsText: z.boolean(),
})
export type SkillManifest = z.infer<typeof skillManifestSchema>

export const manifestSchema = z.strictObject({
  name: z.string(),
  /** Topics that it reads. */
  topics: z.array(z.string()),
  /** Event types that it may emit, `*` standing for a name. */
  emits: z.array(z.string()),
  uses: z.array(z.string()),
  /** Events that one process of it handles at once. */
  concurrency: z.int().positive(),
  /** How long it takes for one event at most. */
  timeoutMs: z.int().positive().optional(),
  /** How the connector tries again, where it differs from the default. */
  retry: retryPolicySchema.partial().optional(),
  skill: skillManifestSchema.optional(),
})
/** What `GET /_/manifest` answers. */
export type Manifest = z.infer<typeof manifestSchema>

/** The manifests of the deployed functions, as the connector last saw them. */
export type Catalogue = {
  /** The skills by name, from a copy that is at most a second old. */
  skills(): Promise<SkillManifest[]>
  /**
   * Replaces what is known by the skills of these manifests. The functions in `deployed` that none of them is of cannot
   * be reached just now: what is known of them stays.
   */
  write(manifests: Manifest[], deployed?: string[]): Promise<void>
  /**
   * The functions that a connector last saw deployed, with those that were removed and still have requests to end.
   * Data of versions that kept no such list gives the known skills, each as the function of its name.
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

/** The catalogue as documents of nobody, so that every process that reaches the conversations store has it. */
export function openCatalogue(records: Records, now: () => number = Date.now): Catalogue {
  let cached: { skills: SkillManifest[]; readAt: number } | undefined
  const read = async () => {
    const stored = await records.list({ collection: CATALOGUE_COLLECTION, person: '', limit: MAX_SKILLS })
    // One that another version has written is as good as none: it is written anew.
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
