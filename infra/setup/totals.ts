import { writeFileSync } from 'node:fs'
import type { Reporter, TestModule } from 'vitest/node'

export type TestTotals = { passed: number; failed: number; skipped: number }

/** A vitest reporter that leaves the totals, as JSON, in the file that LARES_TEST_TOTALS names. */
export default class TotalsReporter implements Reporter {
  /** A file that cannot be loaded, a failed hook, and an error outside of any test each count as one failure. */
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly unknown[]): void {
    const totals: TestTotals = { passed: 0, failed: unhandled.length, skipped: 0 }
    for (const module of modules) {
      totals.failed += module.errors().length
      for (const suite of module.children.allSuites()) totals.failed += suite.errors().length
      for (const test of module.children.allTests()) {
        const state = test.result().state
        if (state !== 'pending') totals[state]++
      }
    }
    writeFileSync(process.env.LARES_TEST_TOTALS!, JSON.stringify(totals))
  }
}
