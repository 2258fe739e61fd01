#!/usr/bin/env node
// npx lares COMMAND. Plain JavaScript, because it must run on Node 20 before anything is installed.
import { fileURLToPath } from 'node:url'

process.argv.splice(2, 0, fileURLToPath(new URL('main.ts', import.meta.url)))
await import('../setup/run.mjs')
