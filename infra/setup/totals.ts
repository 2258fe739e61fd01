import { writeFileSync } from 'node:fs'
import { relative } from 'node:path'
import type { Reporter, TestModule } from 'vitest/node'

export type TestTotals = { passed: number; failed: number; skipped: number }
/** `files`: how long each test file took, its set-up and imports included. */
export type TestRun = TestTotals & { files: { file: string; durationMs: number }[] }

/** A vitest reporter that writes the totals and each file's time, as JSON, to the file that LARES_TEST_TOTALS names. */
export default class TotalsReporter implements Reporter {
  /** A file that cannot be loaded, a failed hook, and an error outside of any test each count as one failure. */
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly unknown[]): void {
    const totals: TestRun = { passed: 0, failed: unhandled.length, skipped: 0, files: [] }
    for (const module of modules) {
      totals.failed += module.errors().length
      totals.files.push(timeOf(module))
      for (const suite of module.children.allSuites()) totals.failed += suite.errors().length
      for (const test of module.children.allTests()) {
        const state = test.result().state
        if (state !== 'pending') totals[state]++
      }
    }
    writeFileSync(process.env.LARES_TEST_TOTALS!, JSON.stringify(totals))
  }
}

function timeOf(module: TestModule) {
  const { environmentSetupDuration, prepareDuration, collectDuration, setupDuration, duration } =
    module.diagnostic()
  const durationMs = environmentSetupDuration + prepareDuration + collectDuration + setupDuration + duration
  return { file: relative('.', module.moduleId), durationMs }
}
