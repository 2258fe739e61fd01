import { writeFileSync } from 'node:fs'
import { relative } from 'node:path'
import type { Reporter, TestModule } from 'vitest/node'

export type TestTotals = { passed: number; failed: number; skipped: number }
/** `files`: the duration of each test file, with its set-up and imports. */
export type TestRun = TestTotals & { files: { file: string; durationMs: number }[] }

/** A vitest reporter. It writes the totals and each file's duration as JSON to the file at LARES_TEST_TOTALS. */
export default class TotalsReporter implements Reporter {
  /** A file that does not load, a failed hook, and an error outside of any test each count as one failure. */
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
