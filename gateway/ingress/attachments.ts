import * as z from 'zod'
import { LaresError } from '../../shared/base/errors.ts'
import type { Message } from '../../shared/contract/events/event-types.ts'
import type { Objects } from '../../shared/objects/objects.ts'
import { personFolder } from '../../shared/objects/person-folder.ts'

/** An attachment as uploaded. Its bytes are in the request, whose total size is limited. */
export const attachmentUpload = z.strictObject({
  name: z.string().min(1).max(255),
  mediaType: z
    .string()
    .regex(/^[\w.+-]+\/[\w.+-]+$/, 'a media type, as in image/png')
    .max(255),
  data: z.base64(),
})
export type AttachmentUpload = z.infer<typeof attachmentUpload>

/**
 * Stores the bytes in the person's folder under the message's id. So a message that is sent again stores them in the
 * same place.
 */
export async function storeAttachments(
  objects: Objects | undefined,
  { person, id }: { person: string; id: string },
  attachments: AttachmentUpload[],
): Promise<Message['attachments']> {
  if (attachments.length === 0) return []
  if (!objects) throw new LaresError('rejected', 'attachments: there is no object store to keep them in')
  return await Promise.all(
    attachments.map(async ({ name, mediaType, data }, index) => {
      const bytes = Buffer.from(data, 'base64')
      const object = `${personFolder(person)}attachments/${id}/${index}`
      await objects.put(object, bytes)
      return { name, mediaType, object, bytes: bytes.length }
    }),
  )
}
