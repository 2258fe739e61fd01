/**
 * The functions of Node's HTTP module that Lares calls; types are imported from `node:http` as usual. An `import` of a
 * builtin reads all its names. One name of this builtin is WebSocket, which loads Node's whole fetch: 27 ms and 13 MB
 * in every process. Source: Node 24.21. `lib/http.js` defines the name as a getter, and `syncExports` of
 * `lib/internal/bootstrap/realm.js` calls it.
 */
export const { Agent, createServer, request } = process.getBuiltinModule('node:http')
