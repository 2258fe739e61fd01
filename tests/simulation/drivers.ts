import type { Bus, BusRecord } from '../../shared/bus/bus.ts'
import { type EventLog, openEventLog } from '../../shared/contract/events/event-log.ts'
import type { ObjectStore } from '../../shared/objects/objects.ts'
import { openKeys } from '../../shared/protection/keys.ts'
import { lazyKeys } from '../../shared/protection/lazy-keys.ts'
import { masterKeysFromText } from '../../shared/protection/master-key.ts'
import { openOwnerCache } from '../../shared/protection/owners.ts'
import type { Protection } from '../../shared/protection/protection.ts'
import type { KeyRing } from '../../shared/protection/ring/ring.ts'
import { openSqliteKeyRing } from '../../shared/protection/ring/sqlite-ring.ts'
import { keyIdOfBusRecord, unsealBusRecord } from '../../shared/protection/sealed-record.ts'
import { protectedBus } from '../../shared/protection/stores/protected-bus.ts'
import { protectedObjects } from '../../shared/protection/stores/protected-objects.ts'
import { protectedStore } from '../../shared/protection/stores/protected-store.ts'
import type { Store } from '../../shared/store/store.ts'
import type { SimulatedBus } from './world/bus.ts'
import type { Call, Calls } from './world/calls.ts'
import type { Log } from './world/log.ts'
import type { Life } from './world/machine.ts'
import type { SimulatedObjects } from './world/objects.ts'
import type { SimulatedStore } from './world/store.ts'

type Keyed = Pick<Protection, 'keys' | 'ring'>

/** What a process has of the house's servers, joined as `shared/host/drivers.ts` does. */
export type Drivers = {
  bus: Bus
  conversations: Store
  objects: ObjectStore
  events: EventLog
  /** Undefined where nothing is encrypted. */
  protection: Keyed | undefined
}

export type SimulatedDrivers = {
  /** As one process sees them, with the keys that it knows: the same for all of its life. */
  of(life: Life): Drivers
  /** For whoever looks from outside, behind no network. */
  outside: Outside
}

export type Outside = {
  conversations: Store
  objects: Pick<ObjectStore, 'get' | 'list'>
  protection: Keyed | undefined
  /** What is on a topic, each partition in its order, in the clear; without what is forgotten. */
  records(topic: string): Promise<BusRecord[]>
}

type Servers = { log: Log; bus: SimulatedBus; store: SimulatedStore; objects: SimulatedObjects }

/** With `isProtected` all is encrypted, as it is by default. */
export function openDrivers(servers: Servers, calls: Calls, isProtected: boolean): SimulatedDrivers {
  const { of, outside } = isProtected ? encrypted(servers, calls) : plain(servers)
  const known = new WeakMap<Life, Drivers>()
  return {
    outside,
    of(life) {
      const drivers = known.get(life) ?? of(life)
      known.set(life, drivers)
      return drivers
    },
  }
}

function plain(servers: Servers): SimulatedDrivers {
  const { log, store } = servers
  return {
    of(life) {
      const [bus, objects] = [servers.bus.of(life), servers.objects.of(life)]
      const events = openEventLog(bus, objects)
      return { bus, objects, conversations: store.of(life), events, protection: undefined }
    },
    outside: {
      conversations: store.driver,
      protection: undefined,
      objects: servers.objects.outside,
      records: async topic => log.all(topic),
    },
  }
}

function encrypted(servers: Servers, calls: Calls): SimulatedDrivers {
  const ring = openSqliteKeyRing(':memory:')
  const masters = masterKeysFromText(Buffer.alloc(32, 1).toString('base64'))
  const keysBehind = (one: KeyRing) => lazyKeys(() => openKeys({ ring: one, masterKeys: masters })).keys
  const throughNetwork = networkOf(ring, calls)
  const outsider = keysBehind(ring)
  return {
    of(life) {
      const distant = throughNetwork(life)
      const keys = keysBehind(distant)
      const owners = openOwnerCache()
      const conversations = protectedStore(servers.store.of(life), keys)
      const ownerOf = async (conversation: string) =>
        (await conversations.history.conversation(conversation))?.person
      const bus = protectedBus(servers.bus.of(life), { keys, owners, ownerOf })
      const objects = protectedObjects(servers.objects.of(life), keys)
      return {
        bus,
        conversations,
        objects,
        events: openEventLog(bus, objects, { recordOwner: owners.recordOwner, ownerOf }),
        protection: { keys, ring: async () => distant },
      }
    },
    outside: {
      protection: { keys: outsider, ring: async () => ring },
      conversations: protectedStore(servers.store.driver, outsider),
      objects: protectedObjects(servers.objects.outside, outsider),
      async records(topic) {
        const opened: BusRecord[] = []
        for (const record of servers.log.all(topic)) {
          const id = keyIdOfBusRecord(record)
          const key = id === undefined ? undefined : await outsider.byId(id)
          if (key) opened.push(unsealBusRecord(key, record))
          else if (id === undefined) opened.push(record)
        }
        return opened
      },
    },
  }
}

/** The key ring is in the database with the conversations, behind the same network. */
function networkOf(ring: KeyRing, calls: Calls): (life: Life) => KeyRing {
  /** Whose each key is: ids are drawn by chance, and a fault's place is none. */
  const people = new Map<string, string>()
  return life => {
    const call = <T>(place: string, effect: Call<T>['effect']) =>
      calls.make({
        ...{ life, of: 'store', place: `keys.${place}`, effect },
        ...{ refused: 'store-refused', unconfirmed: 'store-unconfirmed' },
      })
    return {
      ...ring,
      add: entry =>
        call(`add ${entry.person}`, async () => {
          const added = await ring.add(entry)
          people.set(added.id, added.person)
          return added
        }),
      byPerson: person => call(`ofPerson ${person}`, () => ring.byPerson(person)),
      byId: id => call(`byId of ${people.get(id)}`, () => ring.byId(id)),
      destroy: person => call(`destroy ${person}`, () => ring.destroy(person)),
      setAnchor: (...given) => call('anchor', () => ring.setAnchor(...given)),
    }
  }
}
