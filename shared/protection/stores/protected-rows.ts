import { isGroup, keyOwnerOf } from '../../contract/events/address.ts'
import type { StoreRow, StoreRows } from '../../store/store.ts'
import { aadOf, sealJson, unsealText } from '../associated-data.ts'
import type { DataKey } from '../envelope.ts'
import type { Keys } from '../keys.ts'
import { sealPartsWith, unsealPartsWith } from '../sealed-parts.ts'
import { sealMessage, unsealMessage } from './protected-history.ts'
import { sealJsonRecord, unsealJsonRecord } from './protected-records.ts'
import { sealTimer, unsealTimer } from './protected-timers.ts'

export const aadOfState = (conversation: string) => aadOf('state', conversation)

/** Decrypted rows for moving an instance; in the store they are encrypted. */
export function protectedRows(inner: StoreRows, keys: Keys): StoreRows {
  return {
    ...inner,
    async *read(person) {
      for await (const row of inner.read(person)) {
        const unsealed = await unsealRow(keys, row)
        if (unsealed) yield unsealed
      }
    },
    async write(rows) {
      const sealed: StoreRow[] = []
      for (const row of rows)
        sealed.push(
          row.person === ''
            ? row
            : sealRow(await keys.getOrCreate(keyOwnerOfRow(row)), await sealStateParts(keys, row)),
        )
      return await inner.write(sealed)
    },
  }
}

/** A group's state, with each member's parts sealed with the member's key. */
async function sealStateParts(keys: Keys, row: StoreRow): Promise<StoreRow> {
  if (row.kind !== 'conversation' || row.state === undefined || !isGroup(row.person)) return row
  return { ...row, state: await sealPartsWith(keys, row.state, aadOfState(row.id)) }
}

const keyOwnerOfRow = (row: StoreRow): string =>
  row.kind === 'message' ? keyOwnerOf(row.person, row.sender) : row.person

function sealRow(key: DataKey, row: StoreRow): StoreRow {
  if (row.kind === 'message') return sealMessage(key, row)
  if (row.kind === 'timer') return sealTimer(key, row)
  if (row.kind === 'document') return { ...row, ...sealJsonRecord(key, row.collection, row) }
  if (row.state === undefined) return row
  return { ...row, state: sealJson(key, aadOfState(row.id), row.state) }
}

async function unsealRow(keys: Keys, row: StoreRow): Promise<StoreRow | undefined> {
  if (row.person === '') return row
  if (row.kind === 'message') return await unsealMessage(keys, row)
  if (row.kind === 'timer') return await unsealTimer(keys, row)
  if (row.kind === 'document') return await unsealJsonRecord(keys, row.collection, row)
  if (row.state === undefined) return row
  const { state: sealed, ...rest } = row
  const state = await unsealText(keys, aadOfState(row.id), sealed)
  if (state === undefined) return rest
  return { ...rest, state: await unsealPartsWith(keys, JSON.parse(state), aadOfState(row.id)) }
}
