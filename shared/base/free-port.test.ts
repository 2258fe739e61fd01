import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { freePort, isFree, reservePort } from './free-port.ts'

const ASK_FOR_PORTS = `
  import { freePort } from '${new URL('./free-port.ts', import.meta.url).href}'
  const ports = await Promise.all(Array.from({ length: 100 }, freePort))
  console.log(JSON.stringify(ports))
  await new Promise(resolve => process.stdin.once('data', resolve))
  process.exit()`

test('several processes that ask at once get different ports', async () => {
  const processes = Array.from({ length: 4 }, () => {
    const running = execFile(process.execPath, ['--input-type=module', '-e', ASK_FOR_PORTS])
    const ports = once(running.stdout!, 'data').then(([text]) => JSON.parse(text) as number[])
    return { running, ports }
  })
  const own = await Promise.all(Array.from({ length: 100 }, freePort))
  const others = await Promise.all(processes.map(({ ports }) => ports))
  for (const { running } of processes) running.stdin!.end('\n')
  expect(new Set([...own, ...others.flat()]).size).toBe(500)
})

test('a port is not free while a server listens on it', async () => {
  const port = await freePort()
  const server = createServer().listen(port, '127.0.0.1')
  await once(server, 'listening')
  expect(await isFree(port)).toBe(false)
  server.close()
  await once(server, 'close')
  expect(await isFree(port)).toBe(true)
})

test('a port stays reserved for its process, and is free again when the process has ended', async () => {
  const script = `import { freePort } from '${new URL('./free-port.ts', import.meta.url).href}'
    console.log(await freePort())`
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script])
  const port = Number(stdout)
  expect(await reservePort(port)).toBe(true)
  expect(await reservePort(port)).toBe(true)
  expect(await Promise.all(Array.from({ length: 50 }, freePort))).not.toContain(port)
})
