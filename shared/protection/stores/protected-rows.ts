import type { StoreRow, StoreRows } from '../../store/store.ts'
import { aadOf, sealJson, unsealText } from '../associated-data.ts'
import type { DataKey } from '../envelope.ts'
import type { Keys } from '../keys.ts'
import { sealMessage, unsealMessage } from './protected-history.ts'
import { sealJsonRecord, unsealJsonRecord } from './protected-records.ts'
import { sealTimer, unsealTimer } from './protected-timers.ts'

export const aadOfState = (conversation: string) => aadOf('state', conversation)

/** Rows in the clear, for those who move them; in the store they are encrypted. */
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
        sealed.push(row.person === '' ? row : sealRow(await keys.getOrCreate(row.person), row))
      return await inner.write(sealed)
    },
  }
}

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
  return state === undefined ? rest : { ...rest, state: JSON.parse(state) }
}
