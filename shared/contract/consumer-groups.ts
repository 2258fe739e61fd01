/** The consumer group of a function: each function reads its topics at its own pace. */
export const functionGroup = (name: string): string => `lares.${name}`

/** The consumer group of a channel. The gateway reads the replies that it delivers there through this group. */
export const deliveryGroup = (channel: string): string => `lares.delivery.${channel}`
