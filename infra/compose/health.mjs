// node infra/compose/health.mjs URL: checks that the URL answers 200. For HEALTHCHECK, in images without curl.

// An import would load Node's fetch as well; see shared/base/node-http.ts.
const { get } = process.getBuiltinModule('node:http')

get(String(process.argv[2]), { timeout: 4_000 }, ({ statusCode }) => process.exit(statusCode === 200 ? 0 : 1))
  .on('error', () => process.exit(1))
  .on('timeout', () => process.exit(1))
