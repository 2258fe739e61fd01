import type { Row, Rows } from '../../store/store.ts'
import { openText, placeOf, sealJson } from '../associated-data.ts'
import type { DataKey } from '../envelope.ts'
import type { Keys } from '../keys.ts'
import { openMessage, sealMessage } from './protected-history.ts'
import { openDocument, sealDocument } from './protected-records.ts'
import { openTimer, sealTimer } from './protected-timers.ts'

export const placeOfState = (conversation: string) => placeOf('state', conversation)

/** Rows in the clear, for those who move them; in the store they are encrypted. */
export function protectedRows(inner: Rows, keys: Keys): Rows {
  return {
    ...inner,
    async *read(person) {
      for await (const row of inner.read(person)) {
        const open = await openRow(keys, row)
        if (open) yield open
      }
    },
    async write(rows) {
      const sealed: Row[] = []
      for (const row of rows) sealed.push(row.person === '' ? row : sealRow(await keys.of(row.person), row))
      return await inner.write(sealed)
    },
  }
}

function sealRow(key: DataKey, row: Row): Row {
  if (row.kind === 'message') return sealMessage(key, row)
  if (row.kind === 'timer') return sealTimer(key, row)
  if (row.kind === 'document') return { ...row, ...sealDocument(key, row.collection, row) }
  if (row.state === undefined) return row
  return { ...row, state: sealJson(key, placeOfState(row.id), row.state) }
}

async function openRow(keys: Keys, row: Row): Promise<Row | undefined> {
  if (row.person === '') return row
  if (row.kind === 'message') return await openMessage(keys, row)
  if (row.kind === 'timer') return await openTimer(keys, row)
  if (row.kind === 'document') return await openDocument(keys, row.collection, row)
  if (row.state === undefined) return row
  const { state: sealed, ...rest } = row
  const state = await openText(keys, placeOfState(row.id), sealed)
  return state === undefined ? rest : { ...rest, state: JSON.parse(state) }
}
