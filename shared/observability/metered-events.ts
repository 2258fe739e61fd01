import { toLaresError } from '../base/errors.ts'
import type { EventLog } from '../contract/events/event-log.ts'
import { topicOf } from '../contract/events/event-types.ts'
import type { Metrics } from './metrics.ts'

/** `messaging.client.sent.messages` of https://opentelemetry.io/docs/specs/semconv/messaging/messaging-metrics/ */
export function meteredEventLog(events: EventLog, system: string, metrics: Metrics): EventLog {
  const sent = metrics.counter(
    'messaging_client_sent_messages_total',
    'Events put on the log, or tried to.',
    ['messaging_system', 'messaging_operation_name', 'messaging_destination_name', 'error_type'],
  )
  return {
    async publish(batch, attemptHeaders) {
      let error_type = ''
      try {
        await events.publish(batch, attemptHeaders)
      } catch (error) {
        error_type = toLaresError(error).code
        throw error
      } finally {
        for (const { type } of batch)
          sent.inc({
            messaging_system: system,
            messaging_operation_name: 'publish',
            messaging_destination_name: topicOf(type),
            error_type,
          })
      }
    },
  }
}
