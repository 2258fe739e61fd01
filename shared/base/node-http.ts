/**
 * Node's HTTP, for what is called of it; types are imported from `node:http` as ever. An `import` of a builtin reads all
 * its names, and one of this one's is WebSocket, which loads Node's whole fetch: 27 ms and 13 MB of every process
 * (Node 24.21; `lib/http.js` has it as a getter, `syncExports` of `lib/internal/bootstrap/realm.js` calls it).
 */
export const { Agent, createServer, request } = process.getBuiltinModule('node:http')
