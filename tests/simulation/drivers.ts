import type { Bus, BusRecord } from '../../shared/bus/bus.ts'
import { type EventLog, openEventLog } from '../../shared/contract/events/event-log.ts'
import type { ObjectStore } from '../../shared/objects/objects.ts'
import { openKeys } from '../../shared/protection/keys.ts'
import { lazyKeys } from '../../shared/protection/lazy-keys.ts'
import { masterKeysFromText } from '../../shared/protection/master-key.ts'
import { openOwnerCache, storedOwners } from '../../shared/protection/owners.ts'
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
import type { BrokerLog } from './world/log.ts'
import type { Life } from './world/machine.ts'
import type { SimulatedObjects } from './world/objects.ts'
import type { SimulatedStore } from './world/store.ts'

type KeyAccess = Pick<Protection, 'keys' | 'ring'>

/** One process's drivers for the instance's servers, composed as `shared/host/drivers.ts` does. */
export type ProcessDrivers = {
  bus: Bus
  store: Store
  objects: ObjectStore
  events: EventLog
  /** Undefined where nothing is encrypted. */
  protection: KeyAccess | undefined
}

export type SimulatedDrivers = {
  /** The drivers as one process sees them, with the keys that it knows: the same for all of its life. */
  forProcess(life: Life): ProcessDrivers
  /** For observers from outside, behind no network. */
  outside: OutsideView
}

export type OutsideView = {
  store: Store
  objects: Pick<ObjectStore, 'get' | 'list'>
  protection: KeyAccess | undefined
  /** The decrypted records of a topic, each partition in its order; without forgotten people's. */
  records(topic: string): Promise<BusRecord[]>
}

type Servers = { log: BrokerLog; bus: SimulatedBus; store: SimulatedStore; objects: SimulatedObjects }

/** With `isProtected` all is encrypted, as it is by default. */
export function openSimulatedDrivers(servers: Servers, calls: Calls, isProtected: boolean): SimulatedDrivers {
  const { forProcess, outside } = isProtected
    ? openEncryptedDrivers(servers, calls)
    : openPlainDrivers(servers)
  const known = new WeakMap<Life, ProcessDrivers>()
  return {
    outside,
    forProcess(life) {
      const drivers = known.get(life) ?? forProcess(life)
      known.set(life, drivers)
      return drivers
    },
  }
}

function openPlainDrivers(servers: Servers): SimulatedDrivers {
  const { log, store } = servers
  return {
    forProcess(life) {
      const [bus, objects] = [servers.bus.forProcess(life), servers.objects.forProcess(life)]
      const events = openEventLog(bus, objects)
      return { bus, objects, store: store.forProcess(life), events, protection: undefined }
    },
    outside: {
      store: store.driver,
      protection: undefined,
      objects: servers.objects.outside,
      records: async topic => log.allRecords(topic),
    },
  }
}

function openEncryptedDrivers(servers: Servers, calls: Calls): SimulatedDrivers {
  const ring = openSqliteKeyRing(':memory:')
  const masterKeys = masterKeysFromText(Buffer.alloc(32, 1).toString('base64'))
  const keysOver = (one: KeyRing) => lazyKeys(() => openKeys({ ring: one, masterKeys: masterKeys })).keys
  const ringOverNetwork = ringCallsFor(ring, calls)
  const outsideKeys = keysOver(ring)
  return {
    forProcess(life) {
      const remoteRing = ringOverNetwork(life)
      const keys = keysOver(remoteRing)
      const owners = openOwnerCache()
      const store = protectedStore(servers.store.forProcess(life), keys)
      const stored = storedOwners(async () => store.history)
      const { recordOwner, recordSender } = owners
      const bus = protectedBus(servers.bus.forProcess(life), { keys, owners, stored })
      const objects = protectedObjects(servers.objects.forProcess(life), keys)
      return {
        bus,
        store,
        objects,
        events: openEventLog(bus, objects, { recordOwner, recordSender, ...stored }),
        protection: { keys, ring: async () => remoteRing },
      }
    },
    outside: {
      protection: { keys: outsideKeys, ring: async () => ring },
      store: protectedStore(servers.store.driver, outsideKeys),
      objects: protectedObjects(servers.objects.outside, outsideKeys),
      async records(topic) {
        const opened: BusRecord[] = []
        for (const record of servers.log.allRecords(topic)) {
          const id = keyIdOfBusRecord(record)
          const key = id === undefined ? undefined : await outsideKeys.byId(id)
          if (key) opened.push(unsealBusRecord(key, record))
          else if (id === undefined) opened.push(record)
        }
        return opened
      },
    },
  }
}

/** The key ring is in the database with the conversations, behind the same network. */
function ringCallsFor(ring: KeyRing, calls: Calls): (life: Life) => KeyRing {
  /** The owner of each key: ids are random, so they cannot be part of a fault's place. */
  const ownerByKeyId = new Map<string, string>()
  return life => {
    const call = <T>(site: string, effect: Call<T>['effect']) =>
      calls.call({
        ...{ life, target: 'store', site: `keys.${site}`, effect },
        ...{ refusedFault: 'store-refused', unconfirmedFault: 'store-unconfirmed' },
      })
    return {
      ...ring,
      add: entry =>
        call(`add ${entry.person}`, async () => {
          const added = await ring.add(entry)
          ownerByKeyId.set(added.id, added.person)
          return added
        }),
      byPerson: person => call(`ofPerson ${person}`, () => ring.byPerson(person)),
      byId: id => call(`byId of ${ownerByKeyId.get(id)}`, () => ring.byId(id)),
      destroy: person => call(`destroy ${person}`, () => ring.destroy(person)),
      setAnchor: (...given) => call('anchor', () => ring.setAnchor(...given)),
    }
  }
}
