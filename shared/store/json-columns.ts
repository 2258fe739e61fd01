import type { Address } from '../contract/events/address.ts'
import type { MessageWrite } from './store.ts'

/** The fields of a row that a table keeps as JSON text; a missing field is stored as null. */
type JsonField = 'attachments' | 'address' | 'sender'

/** A message as the table stores it. */
export type StoredMessage<Row extends MessageWrite> = Omit<Row, JsonField> & Record<JsonField, string | null>

type ParsedMessage<Row> = Omit<Row, JsonField> & Pick<MessageWrite, JsonField>

/** A row with an address, as the table stores it. */
export type WithAddressJson<Row extends { address?: Address }> = Omit<Row, 'address'> & {
  address: string | null
}

export const toJsonColumn = (value: object | undefined): string | null =>
  value === undefined ? null : JSON.stringify(value)

/** Changes the row in place: copying each row would take longer than reading it (`npm run bench:history`). */
function parseColumn(row: Record<string, unknown>, field: string): void {
  const text = row[field] as string | null
  if (text === null) delete row[field]
  else row[field] = JSON.parse(text)
}

export function parseMessageRow<Row extends Record<JsonField, string | null>>(row: Row): ParsedMessage<Row> {
  parseColumn(row, 'attachments')
  parseColumn(row, 'address')
  parseColumn(row, 'sender')
  return row as unknown as ParsedMessage<Row>
}

export function parseAddressColumn<Row extends { address: string | null }>(
  row: Row,
): Omit<Row, 'address'> & { address?: Address } {
  parseColumn(row, 'address')
  return row as unknown as Omit<Row, 'address'> & { address?: Address }
}
