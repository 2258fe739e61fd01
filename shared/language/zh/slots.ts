import type { SlotLanguage } from '../pack.ts'

export const slots: SlotLanguage = {
  questions: {
    moment: () => '什么时候？',
    date: () => '哪一天？',
    time: () => '几点？',
    duration: () => '多长时间？',
    number: label => `多少（${label}）？`,
    choice: (_, choices) => `要哪一个：${choices.join('、')}？`,
    place: () => '在哪里？',
    name: label => `叫什么名字（${label}）？`,
    words: label => `内容是什么（${label}）？`,
  },
  fillers: /^(?:[\s,.!:，。！：]|在|去|到|从|我|叫|是|姓名|名字|给|吧|请|谢谢)+/u,
  durationCue: /时长|持续|多久|共/u,
  article: /(?!)/,
}
