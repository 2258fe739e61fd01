/** As in node-http.ts: an `import` of this one loads Node's streams of files, its promises and its readline, 4 ms of a start. */
export const { existsSync } = process.getBuiltinModule('node:fs')
