/** Whether a text contains Chinese characters. */
export const containsHan = (text: string): boolean => /\p{Script=Han}/u.test(text)
