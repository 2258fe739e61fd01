/** The consumer group of a function: each function reads its topics at its own pace. */
export const functionGroup = (name: string): string => `lares.${name}`

/** The consumer group of a channel, by which the gateway reads the replies that it delivers there. */
export const deliveryGroup = (channel: string): string => `lares.delivery.${channel}`
