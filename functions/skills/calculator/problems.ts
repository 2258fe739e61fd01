/** Why something cannot be calculated. */
export type CalculationProblem = 'byZero' | 'tooLarge' | 'notReal' | 'units' | 'nonsense'

export const problemTexts = {
  en: {
    byZero: 'Nothing can be divided by zero.',
    tooLarge: 'The numbers in this are too large for me.',
    notReal: 'This has no answer among the real numbers.',
    units: 'These units do not go together.',
    nonsense: 'I cannot read this as a calculation.',
  },
  zh: {
    byZero: '不能除以零。',
    tooLarge: '其中的数字太大，我算不了。',
    notReal: '这个算式没有实数解。',
    units: '这些单位不能互相换算。',
    nonsense: '我看不懂这个算式。',
  },
} as const
