/** Requests of a deployment that its backend does not fulfil here; faas-cli describe shows them under this annotation. */
export const NOTICE_ANNOTATION = 'com.lares.notice'

/** Not a semicolon: notices contain some. */
const SEPARATOR = ' | '

/** No annotation when there is no notice. */
export const noticeAnnotation = (notices: string[]): Record<string, string> =>
  notices.length === 0 ? {} : { [NOTICE_ANNOTATION]: notices.join(SEPARATOR) }

/** Each notice once, with the functions that it concerns. */
export function functionsByNotice(
  functions: { name: string; annotations: Record<string, string> }[],
): Map<string, string[]> {
  const grouped = new Map<string, string[]>()
  for (const { name, annotations } of functions)
    for (const notice of annotations[NOTICE_ANNOTATION]?.split(SEPARATOR) ?? [])
      grouped.set(notice, [...(grouped.get(notice) ?? []), name])
  return grouped
}
