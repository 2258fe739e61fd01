/** Lists requests of a deployment that its backend does not fulfil here. `faas-cli describe` shows this annotation. */
export const NOTICE_ANNOTATION = 'com.lares.notice'

/** Not a semicolon: some notices contain one. */
const SEPARATOR = ' | '

/** The annotation with the notices; none without notices. */
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
