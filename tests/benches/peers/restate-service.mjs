// The Restate side of bench:durable: node restate-service.mjs FOLDER PORT STEPS, with the SDK in FOLDER/node_modules.
import { createHash } from 'node:crypto'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

const [folder = '', port, steps] = process.argv.slice(2)
const sdk = createRequire(join(folder, 'package.json')).resolve('@restatedev/restate-sdk')
const restate = await import(pathToFileURL(sdk).href)

const bench = restate.service({
  name: 'bench',
  handlers: {
    /** @param {{run(name: string, work: () => string): Promise<string>}} context @param {{text: string}} input */
    async turn(context, { text }) {
      let value = text
      for (let step = 0; step < Number(steps); step++) {
        const before = value
        value = await context.run(`step ${step}`, () => createHash('sha256').update(before).digest('hex'))
      }
      return { text: value }
    },
  },
})
await restate.serve({ services: [bench], port: Number(port) })
