/**
 * As in node-http.ts: an `import` of `node:fs` loads Node's file streams, its promises and its readline. That takes 4
 * ms of a start.
 */
export const { existsSync } = process.getBuiltinModule('node:fs')
