import type { Recognition, WordLanguage } from '../pack.ts'
import { containsHan } from '../script.ts'

export const recognition: Recognition = { script: /\p{Script=Han}/u, words: new Set() }

const STOP_CHARACTERS = /[我你您的是在了吗呢吧啊么请问什哪里儿谁多少几个和就也都还有对说知道告诉那这条]/gu

export const words: WordLanguage = {
  stopWords: new Set(),
  stem: word => word,
  suffix: /^$/,
  /** 叫 counts as 名字. */
  contentCharacters: text =>
    [...text.replaceAll('叫什么名字', '叫').replaceAll('叫', '名字').replace(STOP_CHARACTERS, '')]
      .filter(containsHan)
      .join(''),
  characterVariants: characters => (characters.includes('名字') ? ['叫'] : []),
}
