import { type HttpInvokerOptions, httpInvoker as open } from '../../infra/connector/invokers/http-invoker.ts'
import type { Invoker } from '../../infra/connector/invokers/invoker.ts'
import { markFirstStep } from './marked-stream.ts'

/** The invoker with the moment marked at which a function is called and has not answered. */
export function httpInvoker(options: HttpInvokerOptions): Invoker {
  const invoker = open(options)
  return {
    ...invoker,
    invoke: (name, event, signal) => markFirstStep(invoker.invoke(name, event, signal)),
  }
}
