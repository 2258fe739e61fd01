import { parseArgs } from 'node:util'

/** `npm run bench:wake [-- --backend process|docker] [--runs N]`: each backend in a file of its own. */
const { values } = parseArgs({
  options: { backend: { type: 'string', default: 'process' }, runs: { type: 'string', default: '30' } },
})
const runs = Number(values.runs)
if (values.backend === 'docker') await (await import('./docker.ts')).wakeOnDocker(runs)
else await (await import('./process.ts')).wakeProcesses(runs)
