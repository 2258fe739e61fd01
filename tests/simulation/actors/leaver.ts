import { keyedId } from '../../../shared/contract/events/ids.ts'
import { openAudit } from '../../../shared/protection/audit/audit.ts'
import { erasePerson } from '../../../shared/protection/forget.ts'
import type { Leaver } from '../plan.ts'
import type { SimulatedInstance } from '../world/instance.ts'
import type { Life } from '../world/machine.ts'
import { type ClientDependencies, openGatewayConnection, toInboundMessage } from './client.ts'

export type LeaverClient = { script: Leaver; isDone(): boolean }

/** A person talks, and an operator forgets the person while the messages may be anywhere. */
export function startLeaver(
  script: Leaver,
  instance: SimulatedInstance,
  dependencies: ClientDependencies,
): LeaverClient {
  const { clock, names, trace } = dependencies
  const { conversation, person } = script
  const connection = openGatewayConnection(script, dependencies)
  let isDone = false

  const sendAll = async () => {
    for (const planned of script.messages) {
      const { name, pauseMs } = planned
      names.add(keyedId(person, conversation, name), name)
      await clock.wait(pauseMs)
      await connection.ask(`${name} sends`, rooms => rooms.intake(toInboundMessage(script, planned)))
    }
  }
  /** One attempt, in some process; it may fail, or die with the process. */
  const tryErase = async (life: Life): Promise<boolean> => {
    const done = Promise.withResolvers<boolean>()
    life.onDeath(() => done.resolve(false))
    const { store, objects, protection } = instance.drivers.forProcess(life)
    const audit = openAudit({ store: store.audit, protection })
    clock.runAs(life, () =>
      erasePerson(person, { store: store, objects, audit, protection, vectors: instance.vectors }).then(
        () => done.resolve(true),
        error => {
          trace(() => `${person} is not yet forgotten: ${(error as Error).message}`)
          done.resolve(false)
        },
      ),
    )
    return await done.promise
  }
  const eraseEventually = async () => {
    for (;;) {
      const life = instance.gateways.find(({ machine }) => machine.life)?.machine.life
      if (life && (await tryErase(life))) return trace(() => `${person} is forgotten`)
      await clock.wait(1_000)
    }
  }
  void sendAll()
    .then(() => clock.wait(script.erasedAfterMs))
    .then(eraseEventually)
    .then(() => {
      isDone = true
    })
  return { script, isDone: () => isDone }
}
