/** The page's texts, in the reader's language. */

const en = {
  messages: 'Messages',
  conversations: 'Conversations',
  newConversation: 'New conversation',
  menu: 'Conversations',
  draft: 'Write a message',
  send: 'Send',
  attach: 'Attach files',
  attachment: 'attachment',
  chosen: 'Chosen files',
  removeFile: 'Leave out {name}',
  filesGone: 'the files are no longer in this browser. Discard it, and attach them again.',
  earlier: 'Earlier messages',
  signIn: 'Sign in',
  signOut: 'Sign out',
  signInHint: 'Open the link that Lares printed when it started, or enter your token here.',
  token: 'Token',
  wrongToken: 'This token is not known here.',
  unreachable: 'Lares cannot be reached right now. Try again in a moment.',
  offline: 'The connection is lost. Trying again…',
  offlineWaiting: 'The connection is lost. Your messages are kept and will be sent.',
  welcome: 'What can I do for you?',
  welcomeHint: 'Ask me, have me remember something, or be reminded of it.',
  sending: 'sending…',
  queued: 'waiting for its turn…',
  notSent: 'Not sent: ',
  tryAgain: 'Try again',
  discard: 'Discard',
  interrupted: 'stopped',
  failed: 'failed',
  you: 'You',
  understanding: 'understanding…',
  remembering: 'remembering…',
  thinking: 'thinking…',
  writing: 'writing…',
  using: 'using {skill}…',
  image: 'picture',
  empty: 'empty',
}

/** @type {typeof en} */
const zh = {
  messages: '消息',
  conversations: '对话',
  newConversation: '新对话',
  menu: '对话列表',
  draft: '写消息',
  send: '发送',
  attach: '添加文件',
  attachment: '附件',
  chosen: '已选文件',
  removeFile: '移除 {name}',
  filesGone: '浏览器中已没有这些文件。请丢弃后重新添加。',
  earlier: '更早的消息',
  signIn: '登录',
  signOut: '退出登录',
  signInHint: '请打开 Lares 启动时显示的链接,或在此输入您的令牌。',
  token: '令牌',
  wrongToken: '无法识别此令牌。',
  unreachable: '暂时无法连接 Lares,请稍后再试。',
  offline: '连接已断开,正在重试…',
  offlineWaiting: '连接已断开。消息已保存,恢复后会自动发送。',
  welcome: '有什么可以帮您?',
  welcomeHint: '可以提问、让我记住事情,或提醒您。',
  sending: '发送中…',
  queued: '排队中…',
  notSent: '未发送:',
  tryAgain: '重试',
  discard: '丢弃',
  interrupted: '已停止',
  failed: '失败',
  you: '您',
  understanding: '正在理解…',
  remembering: '正在回忆…',
  thinking: '正在思考…',
  writing: '正在书写…',
  using: '正在使用 {skill}…',
  image: '图片',
  empty: '空',
}

const suggestionsByLanguage = {
  en: [
    'What is 12.5% of 8640?',
    'Remind me in 10 minutes to stretch',
    'Remember that I like my tea without milk',
  ],
  zh: ['8640 的 12.5% 是多少?', '10 分钟后提醒我伸展一下', '记住我喝茶不加奶'],
}

/** @typedef {keyof typeof en} Word */

const isChinese = navigator.language.toLowerCase().startsWith('zh')
const messages = isChinese ? zh : en

export const language = isChinese ? 'zh' : 'en'
export const suggestions = suggestionsByLanguage[language]

/** @param {Word} key @param {Record<string, string>} [values] */
export const t = (key, values = {}) => messages[key].replace(/\{(\w+)\}/g, (_, name) => values[name] ?? '')

/** Fills the page with texts: content by data-say, labels by data-say-label, placeholders by data-say-placeholder. */
export function translatePage() {
  document.documentElement.lang = language
  for (const element of document.querySelectorAll('[data-say]'))
    element.textContent = t(/** @type {Word} */ (element.getAttribute('data-say')))
  for (const [from, to] of [
    ['data-say-label', 'aria-label'],
    ['data-say-placeholder', 'placeholder'],
  ])
    for (const element of document.querySelectorAll(`[${from}]`))
      element.setAttribute(
        /** @type {string} */ (to),
        t(/** @type {Word} */ (element.getAttribute(/** @type {string} */ (from)))),
      )
}
