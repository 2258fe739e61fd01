// node --import tests/support/stores/kill-at-statement.ts: kills the process (SIGKILL) before write call number KILL_AT
// to SQLite. Without KILL_AT it prints the number of such calls at the end. The process runs the same code as a normal
// start.
import { DatabaseSync, StatementSync } from 'node:sqlite'

const killAt = Number(process.env.KILL_AT ?? Number.NaN)
let calls = 0

function countCall(): void {
  if (++calls === killAt) process.kill(process.pid, 'SIGKILL')
}

const { exec } = DatabaseSync.prototype
DatabaseSync.prototype.exec = function (sql) {
  countCall()
  exec.call(this, sql)
}
const { run } = StatementSync.prototype
StatementSync.prototype.run = function (...values: unknown[]) {
  countCall()
  return run.apply(this, values as Parameters<typeof run>)
}
process.on('exit', () => {
  if (Number.isNaN(killAt)) process.stdout.write(`${calls}\n`)
})
