import { configDefaults, defineConfig } from 'vitest/config'

/** Unit tests sit beside their code; what crosses rooms is in tests/. `integration` needs real servers and may download them. */
export default defineConfig({
  test: {
    pool: 'forks',
    // Tests start servers and processes of their own: more workers than this only slow each other down.
    maxWorkers: 2,
    maxConcurrency: 2,
    exclude: [...configDefaults.exclude, '.lares/**', 'build/**'],
    passWithNoTests: true,
    teardownTimeout: 10_000,
    projects: [
      project('unit', ['{shared,functions,gateway,infra}/**/*.test.ts'], 60_000),
      project('contract', ['tests/contract/**/*.test.ts'], 120_000),
      project('end-to-end', ['tests/end-to-end/**/*.test.ts'], 180_000),
      project('simulation', ['tests/simulation/**/*.test.ts'], 240_000, false),
      project('integration', ['tests/integration/**/*.test.ts'], 300_000, false),
    ],
  },
})

function project(name: string, include: string[], testTimeout: number, fileParallelism = true) {
  return {
    extends: true as const,
    test: { name, include, testTimeout, hookTimeout: Math.max(testTimeout, 30_000), fileParallelism },
  }
}
