import type { Activity, DialogPhrases, FailedPart } from '../pack.ts'

const activityText = (activity: Activity): string => {
  if (activity === 'none') return '没有正在进行的回答。'
  return activity === 'model' ? '语言模型正在回答。' : `正在使用：${activity.skills.join(', ')}。`
}

const PART_NAMES = {
  understanding: '理解消息',
  memory: '记忆',
  model: '语言模型',
  conversation: '对话',
} as const

const partName = (part: FailedPart): string =>
  typeof part === 'string' ? PART_NAMES[part] : `技能“${part.skill}”`

export const dialog: DialogPhrases = {
  interrupted: '（已中断）',
  noAnswer: '语言模型没有给出回答，请换个说法再问一次。',
  queueFull: '等待回答的消息太多，这一条没有被接受，请稍后再发。',
  freshStart: '重新开始：之前的对话不再考虑。',
  nothingToStop: '没有正在进行的回答。',
  stopped: '已停止。',
  neverMind: '好的，那就算了。',
  whichSkill: (first, second) => `你是指“${first}”还是“${second}”？`,
  unknownCommand: command => `没有 /${command} 这个命令。发送 /help 查看可用的命令。`,
  help: (name, skillLines) =>
    [
      `我是 ${name}。有什么问题都可以问我。`,
      ...(skillLines === '' ? [] : [`我的技能：\n${skillLines}`]),
      '命令：\n/help：这份列表\n/new：重新开始\n/stop：停止当前的回答和等待的消息\n/status：正在做什么',
    ].join('\n\n'),
  status: (activity, waiting) =>
    `${activityText(activity)}${waiting > 0 ? `有 ${waiting} 条消息在等待。` : ''}`,
  apology: (part, isSlow) =>
    `抱歉，这条消息我没能回答：${partName(part)}${isSlow ? '用时过长' : '出了问题'}。请稍后再试。`,
  reminder: text => `提醒：${text}`,
  lateReminder: (text, due) => `迟到的提醒：${text}（原定 ${due}）`,
}
