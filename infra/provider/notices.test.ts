import { expect, test } from 'vitest'
import { functionsByNotice, noticeAnnotation } from './notices.ts'

test('a notice of several functions is reported once, with their names', () => {
  const limits = 'limits of memory and CPU are not enforced: no cgroup v2; run it as a service'
  const gpus = 'GPUs are not assigned'
  const functions = [
    { name: 'time', annotations: noticeAnnotation([limits]) },
    { name: 'notes', annotations: noticeAnnotation([]) },
    { name: 'generation', annotations: noticeAnnotation([limits, gpus]) },
  ]
  expect([...functionsByNotice(functions)]).toEqual([
    [limits, ['time', 'generation']],
    [gpus, ['generation']],
  ])
})
