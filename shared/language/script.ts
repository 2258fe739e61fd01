/** Whether any of a text is in Chinese characters. */
export const containsHan = (text: string): boolean => /\p{Script=Han}/u.test(text)
