import pg from 'pg'
import { LaresError } from '../errors.ts'

/**
 * Classes of SQLSTATE that concern the server and not the statement: connection, transaction rolled back, resources (a
 * full disk), operator (shutdown, statement timeout), system.
 * https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
const SERVER_ERROR = /^(08|28|3D|40|53|57|58|F0|XX)|^(25006|55P03)$/

/** Classes for data that the column types refuse, and for ids longer than an index allows. */
const DATA_ERROR = /^(22|54)/

/**
 * Converts an error of a statement or of connecting to a LaresError. `displayName` names the database without its
 * password.
 */
export function toDatabaseError(thrown: unknown, displayName: string): unknown {
  if (thrown instanceof LaresError) return thrown
  const { message } = thrown as Error
  const code = thrown instanceof pg.DatabaseError ? thrown.code : undefined
  if (code === undefined || SERVER_ERROR.test(code))
    return new LaresError(
      'unavailable',
      `${displayName} cannot be used: ${message || (thrown as { code?: string }).code}`,
      { cause: thrown },
    )
  if (DATA_ERROR.test(code)) return new LaresError('invalid_request', message, { cause: thrown })
  return thrown
}

/** Whether the connection that threw this error can be used again. */
export function isConnectionUsable(error: unknown): boolean {
  if (!(error instanceof LaresError) || error.code !== 'unavailable') return true
  return error.cause instanceof pg.DatabaseError && !CONNECTION_LOST.test(error.cause.code ?? '')
}

const CONNECTION_LOST = /^(08|57P|58|XX)/
