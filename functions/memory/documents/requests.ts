/** What a message wants of the documents themselves. */
export type DocumentRequest =
  | { kind: 'list' }
  | { kind: 'forget-all' }
  /** Empty: none was named. */
  | { kind: 'forget'; about: string }

const LIST = [
  /^(?:so,? )?(?:which|what|how many) (?:documents|files|pdfs)(?: of mine)? (?:do you (?:have|know|keep|hold)|have you (?:got|read|kept|stored)|did you (?:read|get|keep)|(?:have|did) i (?:upload(?:ed)?|g[ai]ven?|sen[dt]|shared?)|are there|do i have)(?: (?:you|with you|from me|of mine|now|here|so far|stored|read|already))*$/i,
  /^(?:please |can you |could you )*(?:show|list|tell|give)(?: me)?(?: all)?(?: of)?(?: (?:my|the|your))?(?: uploaded)? (?:documents|files|pdfs)(?: (?:that |which )?(?:you (?:have|know|keep)|i (?:have )?(?:uploaded|gave you|sent you)))?$/i,
  /^(?:all )?my (?:documents|files)$/i,
  /^(?:请|帮我)*(?:列出|显示|看看|查看|告诉我)?(?:一下)?(?:我的|你的|所有的?|全部的?)*(?:文档|文件|资料)(?:列表|都?有哪些|都?有什么)$/u,
  /^(?:请|帮我)*(?:列出|显示|查看|看看)(?:一下)?(?:我的|你的|所有的?|全部的?)*(?:文档|文件|资料)$/u,
  /^[你我](?:这里|那里|现在|目前|都)*(?:有|存了|存着|读过|读了|看过|保存了|知道|上传了|上传过|给过你|发过)(?:些|哪些|什么|几[个份]|多少)(?:[个份])?(?:文档|文件|资料)$/u,
]
const FORGET_ALL = [
  /^(?:please |can you |could you )*(?:forget|delete|remove|erase)(?: about)? (?:all|every|everything in)(?: of)?(?: (?:my|the|your))?(?: uploaded)? (?:documents?|files?|pdfs?)$/i,
  /^(?:请|帮我)*(?:忘记|忘掉|忘了|删除|删掉|删了|清空)(?:我的)?(?:所有|全部|一切)的?(?:文档|文件|资料)$/u,
  /^(?:请|帮我)*把(?:我的)?(?:所有|全部)的?(?:文档|文件|资料)都?(?:忘记|忘掉|忘了|删除|删掉|删了)吧?$/u,
]
const FORGET_VERB =
  '(?:please |can you |could you )*(?:forget|delete|remove|erase|throw away|get rid of)(?: about)?'
const FORGET = [
  new RegExp(
    `^${FORGET_VERB}(?: (?:the|my|that|this|your))*(?: uploaded)? (?:documents?|files?|pdfs?)(?: (?:called|named))?(?:[ :]+(.+))?$`,
    'i',
  ),
  new RegExp(`^${FORGET_VERB}(?: (?:the|my|that|this|your))* (.+?) (?:document|file|pdf)$`, 'i'),
  new RegExp(
    `^${FORGET_VERB}(?: (?:the|my|that|this|your))* (\\S.*\\.(?:pdf|md|markdown|te?xt|x?html?))$`,
    'i',
  ),
  /^(?:请|帮我|你|可以)*(?:忘记|忘掉|忘了|删除|删掉|删了)(?:我的|这个|这份|那个|那份)*(?:文档|文件|资料)[:：]?(.*)$/u,
  /^(?:请|帮我|你|可以)*(?:忘记|忘掉|忘了|删除|删掉|删了)(.+?)(?:这[个份]|那[个份])?(?:文档|文件)$/u,
  /^(?:请|帮我|你|可以)*(?:忘记|忘掉|忘了|删除|删掉|删了)\s*(\S.*\.(?:pdf|md|markdown|te?xt|x?html?))$/iu,
  /^(?:请|帮我|你)*把(?:文档|文件|资料)(.+?)(?:忘记|忘掉|忘了|删除|删掉|删了)吧?$/u,
  /^(?:请|帮我|你)*把(.+?)(?:这[个份]|那[个份])?(?:文档|文件)(?:忘记|忘掉|忘了|删除|删掉|删了)吧?$/u,
  /^(?:请|帮我|你)*把(\S.*\.(?:pdf|md|markdown|te?xt|x?html?))(?:忘记|忘掉|忘了|删除|删掉|删了)吧?$/iu,
]
const MAX_LENGTH = 400
/** Things that other skills keep. */
const OTHER_SKILLS =
  /^(?:all )?(?:reminders?|notes?|alarms?|timers?)\b|\b(?:reminders?|notes?) (?:about|on|from|in)\b|提醒|笔记|闹钟/i

/** What a text asks of the documents; undefined when it asks nothing of them. */
export function parseDocumentRequest(said: string): DocumentRequest | undefined {
  if (said.length > MAX_LENGTH) return undefined
  const text = said
    .trim()
    .replaceAll('’', "'")
    .replace(/[\s.。!！?？]+$/u, '')
  if (LIST.some(form => form.test(text))) return { kind: 'list' }
  if (FORGET_ALL.some(form => form.test(text))) return { kind: 'forget-all' }
  const match = FORGET.map(form => form.exec(text)).find(found => found !== null)
  if (!match) return undefined
  const about = (match[1] ?? '').trim().replace(/^["“'「《](.+)["”'」》]$/u, '$1')
  return OTHER_SKILLS.test(about) ? undefined : { kind: 'forget', about }
}
