import type { DocumentLanguage, DocumentProblemName } from '../pack.ts'

const UNITS = { pdf: '页', html: '节', markdown: '节', text: '行' } as const

const problems: Record<DocumentProblemName, (name: string) => string> = {
  encrypted: name => `我读不了${name}：它有密码保护，请发送没有密码的版本。`,
  'too-large': name => `我读不了${name}：内容太多，请分成几份发送。`,
  broken: name => `我读不了${name}：文件已损坏，或者与文件名不符。`,
  empty: name => `我读不了${name}：里面没有文字。如果是扫描件，请先做文字识别。`,
  unknown: name => `我读不了${name}：我能读 PDF、HTML、Markdown 和纯文本。`,
  gone: name => `我读不了${name}：它已经不在了，请重新发送。`,
  full: name => `我没有保存${name}：文档太多了，请先让我忘掉一些。`,
}

export const documents: DocumentLanguage = {
  requests: {
    list: [
      /^(?:请|帮我)*(?:列出|显示|看看|查看|告诉我)?(?:一下)?(?:我的|你的|所有的?|全部的?)*(?:文档|文件|资料)(?:列表|都?有哪些|都?有什么)$/u,
      /^(?:请|帮我)*(?:列出|显示|查看|看看)(?:一下)?(?:我的|你的|所有的?|全部的?)*(?:文档|文件|资料)$/u,
      /^[你我](?:这里|那里|现在|目前|都)*(?:有|存了|存着|读过|读了|看过|保存了|知道|上传了|上传过|给过你|发过)(?:些|哪些|什么|几[个份]|多少)(?:[个份])?(?:文档|文件|资料)$/u,
    ],
    forgetAll: [
      /^(?:请|帮我)*(?:忘记|忘掉|忘了|删除|删掉|删了|清空)(?:我的)?(?:所有|全部|一切)的?(?:文档|文件|资料)$/u,
      /^(?:请|帮我)*把(?:我的)?(?:所有|全部)的?(?:文档|文件|资料)都?(?:忘记|忘掉|忘了|删除|删掉|删了)吧?$/u,
    ],
    forget: [
      /^(?:请|帮我|你|可以)*(?:忘记|忘掉|忘了|删除|删掉|删了)(?:我的|这个|这份|那个|那份)*(?:文档|文件|资料)[:：]?(.*)$/u,
      /^(?:请|帮我|你|可以)*(?:忘记|忘掉|忘了|删除|删掉|删了)(.+?)(?:这[个份]|那[个份])?(?:文档|文件)$/u,
      /^(?:请|帮我|你|可以)*(?:忘记|忘掉|忘了|删除|删掉|删了)\s*(\S.*\.(?:pdf|md|markdown|te?xt|x?html?))$/iu,
      /^(?:请|帮我|你)*把(?:文档|文件|资料)(.+?)(?:忘记|忘掉|忘了|删除|删掉|删了)吧?$/u,
      /^(?:请|帮我|你)*把(.+?)(?:这[个份]|那[个份])?(?:文档|文件)(?:忘记|忘掉|忘了|删除|删掉|删了)吧?$/u,
      /^(?:请|帮我|你)*把(\S.*\.(?:pdf|md|markdown|te?xt|x?html?))(?:忘记|忘掉|忘了|删除|删掉|删了)吧?$/iu,
    ],
    otherSkills: /提醒|笔记|闹钟/,
  },
  question:
    /什么|多少|哪|谁|吗|呢|怎么|怎样|如何|几[个天年月次号点页]|是否|为什么|何时|能不能|可不可以|是不是|有没有|总结|概括|解释|介绍|根据/u,
  summaryRequest: /总结|概括|摘要|讲了?什么|说了?什么|关于什么|主要内容/u,
  questionWords: [],
  questionPhrases:
    /文档|文件|里面|关于|根据|需要|应该|可以|能不能|是不是|有没有|怎么|怎样|如何|为什么|总结|概括|时候/gu,
  phrases: {
    size: (kind, count) => `${count}${UNITS[kind]}`,
    problem: (problem, name) => problems[problem](name),
    read: (name, size) => `我读完了${name}：共${size}。`,
    alreadyRead: (name, as, size) => `我已经有${name}了${as === undefined ? '' : `，名为${as}`}：共${size}。`,
    none: '我这里没有你的文档。',
    noneYet: '我这里没有你的文档。可以发给我 PDF、网页、Markdown 或文本文件。',
    list: (all, more) =>
      `你的文档：\n${all.map(({ name, size, day }) => `- ${name}（${size}，${day}）`).join('\n')}${
        more > 0 ? `\n还有${more}份。` : ''
      }`,
    unknown: about => `我这里没有“${about}”这份文档。`,
    which: list => `要忘掉哪一份？\n${list}`,
    forgotten: names => `好的，我已经忘掉了${names.join('、')}。`,
    cite: (name, { page, section, line }) => {
      if (page !== undefined) return `（${name}，第${page}页）`
      if (section !== undefined) return `（${name}，§ ${section}）`
      return line === undefined ? `（${name}）` : `（${name}，第${line}行）`
    },
    quoted: (text, cite) => `“${text}”${cite}`,
  },
}
