// HEALTHCHECK: whether the function answers.

// An import would load Node's fetch as well; see shared/base/node-http.ts.
const { get } = process.getBuiltinModule('node:http')

// of-watchdog's own is written small.
const port = process.env.port ?? process.env.PORT ?? 8080
get(`http://127.0.0.1:${port}/_/health`, { timeout: 2_000 }, ({ statusCode }) =>
  process.exit(statusCode === 200 ? 0 : 1),
)
  .on('error', () => process.exit(1))
  .on('timeout', () => process.exit(1))
