import type { Findings } from './findings.ts'
import type { Plan } from './plan.ts'
import type { Violations } from './promises.ts'

/** Where everything is encrypted nobody reads on the log or in the history what people said. */
export async function readable({ house, clients }: Findings, { isProtected }: Plan): Promise<Violations> {
  if (!isProtected) return []
  const { log, store } = house
  const broken: Violations = []
  for (const { talk, acknowledged } of clients) {
    const kept = await store.driver.history.list(talk.conversation, { limit: 1_000 })
    const said = new Set(acknowledged.map(({ text }) => text))
    for (const text of said) {
      if (kept.some(row => row.text.includes(text))) broken.push(`"${text}" can be read in the history`)
      for (const topic of log.topics())
        if (log.all(topic).some(({ value }) => value.includes(text)))
          broken.push(`"${text}" can be read on ${topic}`)
    }
  }
  return broken
}
