// node bundler/bundle.mjs: makes out/main.mjs, the runtime, the handler in functions/this and every package in them, save
// those of native.mjs. What a function loads on first use, as the driver of a store, lies in files of its own beside it: in
// one file all of it would be read at every start (80 ms and 22 MB of functions/skills/time). worker.ts becomes out/worker.mjs.
import { cpSync, existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, resolve } from 'node:path'
import { rolldown } from 'rolldown'
import { NATIVE } from './native.mjs'

const FOLDER = resolve('functions/this')
const MAIN = resolve('main.mjs')
const handler = ['handler.ts', 'handler.js', 'handler.mjs', 'SKILL.md']
  .map(name => resolve(FOLDER, name))
  .find(existsSync)
if (!handler)
  throw new Error(
    'there is no handler.ts or SKILL.md in the folder that "handler" names in stack.yml: write one there',
  )

/** A skill that is only written down goes into the bundle as the text that it is. */
const load = handler.endsWith('.md')
  ? `async () => ({
      default: (await import(${JSON.stringify(resolve('shared/contract/skill/written-skill.ts'))}))
        .skillFromMarkdown(${JSON.stringify(readFileSync(handler, 'utf8'))}, 'SKILL.md'),
    })`
  : `() => import(${JSON.stringify(handler)})`
const main = `import { runBundled } from ${JSON.stringify(resolve('shared/host/bundled.ts'))}
await runBundled(${load})`

// A thread is a program of its own, and finds itself beside the other.
const worker = readdirSync(FOLDER, { recursive: true, encoding: 'utf8' }).find(
  name => basename(name) === 'worker.ts',
)
const bundle = await rolldown({
  input: { main: MAIN, ...(worker && { worker: resolve(FOLDER, worker) }) },
  platform: 'node',
  external: id => id.startsWith('node:') || NATIVE.some(name => id === name || id.startsWith(`${name}/`)),
  plugins: [
    { name: 'main', resolveId: id => (id === MAIN ? id : null), load: id => (id === MAIN ? main : null) },
  ],
  onLog(level, log, report) {
    // An import that cannot be found would only fail when the function is called.
    if (log.code === 'UNRESOLVED_IMPORT') throw new Error(log.message)
    report(level, log)
  },
})
await bundle.write({
  dir: 'out',
  format: 'esm',
  entryFileNames: '[name].mjs',
  chunkFileNames: '[name]-[hash].mjs',
  // A third less time to start; names stay, as errors are told by them.
  minify: true,
  keepNames: true,
})
cpSync('health.mjs', 'out/health.mjs')
const config = resolve(FOLDER, 'config')
if (existsSync(config)) cpSync(config, 'out/config', { recursive: true })
