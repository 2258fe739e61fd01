import { keyedId } from '../../../shared/contract/events/ids.ts'
import { openAudit } from '../../../shared/protection/audit/audit.ts'
import { erasePerson } from '../../../shared/protection/forget.ts'
import type { Leaver } from '../plan.ts'
import type { House } from '../world/instance.ts'
import type { Life } from '../world/machine.ts'
import { type ClientParts, incomingOf, openReach } from './client.ts'

export type Leaving = { talk: Leaver; isDone(): boolean }

/** Somebody talks, and is forgotten by an operator while what they said may be anywhere. */
export function startLeaver(talk: Leaver, house: House, parts: ClientParts): Leaving {
  const { clock, names, trace } = parts
  const { conversation, person } = talk
  const reach = openReach(talk, parts)
  let isDone = false

  const sayAll = async () => {
    for (const saying of talk.says) {
      const { name, pauseMs } = saying
      names.add(keyedId(person, conversation, name), name)
      await clock.wait(pauseMs)
      await reach.ask(`${name} sends`, rooms => rooms.intake(incomingOf(talk, saying)))
    }
  }
  /** One try, in some process; it may fail, or die with it. */
  const forget = async (life: Life): Promise<boolean> => {
    const done = Promise.withResolvers<boolean>()
    life.onDeath(() => done.resolve(false))
    const { conversations, objects, protection } = house.drivers.of(life)
    const audit = openAudit({ store: conversations.audit, protection })
    clock.as(life, () =>
      erasePerson(person, { store: conversations, objects, audit, protection, vectors: house.vectors }).then(
        () => done.resolve(true),
        error => {
          trace(() => `${person} is not yet forgotten: ${(error as Error).message}`)
          done.resolve(false)
        },
      ),
    )
    return await done.promise
  }
  const forgetAtLast = async () => {
    for (;;) {
      const life = house.gateways.find(({ machine }) => machine.life)?.machine.life
      if (life && (await forget(life))) return trace(() => `${person} is forgotten`)
      await clock.wait(1_000)
    }
  }
  void sayAll()
    .then(() => clock.wait(talk.leavesAfterMs))
    .then(forgetAtLast)
    .then(() => {
      isDone = true
    })
  return { talk, isDone: () => isDone }
}
