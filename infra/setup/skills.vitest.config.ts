import { join, resolve } from 'node:path'
import { defineConfig } from 'vitest/config'

const ROOT = resolve(import.meta.dirname, '..', '..')

/**
 * The configuration for tests of skills outside the checkout (`lares test skill`). It lets them import `#lares/*`, zod
 * and vitest.
 */
export default defineConfig({
  plugins: [
    {
      name: 'lares-skills',
      enforce: 'pre',
      async resolveId(id, importer) {
        const isOurs = id.startsWith('#lares/') || id === 'zod' || id.startsWith('zod/')
        if (isOurs && importer) return await this.resolve(id, join(ROOT, 'package.json'), { skipSelf: true })
      },
    },
  ],
  server: { fs: { strict: false } },
  test: { include: ['**/*.test.ts'], pool: 'forks', maxWorkers: 2 },
})
