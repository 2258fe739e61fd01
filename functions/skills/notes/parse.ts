const MAX_TEXT_LENGTH = 8_000

/** What is wanted of the notes. Empty text: it was not said. */
export type NotesRequest = { action: 'add' | 'list' | 'search' | 'delete'; text: string }

const POLITE_PREFIX =
  /^(?:(?:(?:hey|hi|hello|ok|okay|lares|please|pls|kindly|could|can|would|will|you|i(?:'d| would) like(?: you)? to|i want(?: you)? to|i need(?: you)? to|let me|and|also|so|just|quick(?:ly)?)\b|请|麻烦你?|你?能不能|可以|能|你|帮我|帮忙|给我|替我)[,:，]?\s*)+/i
const POLITE_SUFFIX =
  /[\s?？!！~]*(?:(?:\b(?:please|pls|thanks|thank you|thx)\b|谢谢|好吗|可以吗|行吗)[\s.。!！?？]*)*$/i
const TRAILING_PUNCTUATION = /[\s.。!！?？,，;；~]+$/

/** In their order: the first that fits tells what is wanted, and its first group the text. */
const REQUEST_PATTERNS: [NotesRequest['action'], RegExp][] = [
  [
    'delete',
    /^(?:delete|remove|erase|drop|discard|throw away|get rid of|trash|scrap)\b\s*(.*\b(?:notes?|memos?)\b.*)$/is,
  ],
  ['delete', /^(?:删除|删掉|删了|去掉|移除|清除|清空|扔掉)(.*(?:笔记|备忘录?|记录).*)$/s],
  ['delete', /^把(.*(?:笔记|备忘录?).*?)(?:删除|删掉|删了|去掉|清空)掉?了?吧?$/s],
  [
    'list',
    /^(?:list|show|see|read|view|display|open|tell|give|print|get)\b(?: me)?(?: all)?(?: of)?(?: (?:my|the|our))?(?: (?:latest|last|newest|recent|saved|\d+|few|whole|complete|list of))*(?: my)? notes?(?: to me| out(?: loud)?| aloud)?()$/is,
  ],
  ['list', /^(?:what|which|how many) notes\b.*()$/is],
  ['list', /^(?:do i have|are there|have i) (?:any |some )?notes?(?: saved)?()$/is],
  [
    'list',
    /^(?:what (?:did|have) i (?:noted?|write down|written down|jot(?:ted)? down)|what(?:'s| is) in my notes|what do my notes say)()$/is,
  ],
  ['list', /^(?:all )?(?:of )?(?:my )?notes()$/is],
  [
    'list',
    /^(?:显示|列出|列一下|查看|看看|看一下|看|打开|读一下|读|告诉我|查|有)?(?:一下)?(?:我的?)?(?:所有的?|全部的?|最近的?|最新的?)*(?:笔记|备忘录?)(?:列表)?()$/s,
  ],
  [
    'list',
    /^我?(?:现在|目前)?(?:都)?(?:有|记了|写了|存了)(?:哪些|什么|几条|多少)(?:条)?(?:笔记|备忘录?)?()$/s,
  ],
  [
    'search',
    /^(?:search|look|check|go|look up|browse)\b(?: in| through| into)* (?:all )?(?:of )?(?:my |the |our )?notes? (?:for|about|on|with)\s+(.+)$/is,
  ],
  [
    'search',
    /^(?:search|look|find|check)(?: for)? (.+?) (?:in|from|among|through|within) (?:all )?(?:of )?(?:my |the )?notes$/is,
  ],
  [
    'search',
    /^(?:search|find|look for|look up|get|show|read|open|bring up|pull up|where is|where's|list)(?: me)? (?:all )?(?:of )?(?:the |my |any |a |that )?notes? (?:about|on|for|with|of|containing|that (?:mentions?|says?|contains?))\s+(.+)$/is,
  ],
  [
    'search',
    /^(?:do|does) (?:any of )?my notes? (?:mention|say|contain|have)(?: anything| something)?(?: about| on)? (.+)$/is,
  ],
  ['search', /^(?:any|some) notes? (?:about|on|for|with|of) (.+)$/is],
  ['search', /^我?(?:有没有)?(?:记|写|存)过(?:关于|有关)?(.+?)(?:的笔记|的备忘录?)?(?:吗|没有)?$/s],
  ['search', /^(?:find|show|open|read|get|list)(?: me)? (?:my |the )(.+?) notes?$/is],
  [
    'search',
    /^what (?:did|have) i (?:noted?|wr(?:ite|ote|itten)|jot(?:ted)?|put)(?: down)?(?: in my notes)?(?: about| on| for| of| regarding)\s+(.+)$/is,
  ],
  [
    'search',
    /^(?:what (?:do|does) (?:my notes?|i have)|what is|what's)(?: noted)?(?: in my notes)? (?:say )?(?:noted )?(?:about|on)\s+(.+?)(?: in my notes)?$/is,
  ],
  [
    'search',
    /^(?:do i have|have i|is there|are there|did i (?:make|write|take|save))(?: (?:an?y?|some|written|made|taken))?(?: (?:of )?my)? notes? (?:about|on|for|with|of)\s+(.+)$/is,
  ],
  [
    'search',
    /^在?(?:我的?)?(?:所有)?(?:笔记|备忘录?)(?:里面?|中)?(?:搜索|搜一下|搜|查找|查一下|查|找一下|找找|找)(?:一下|关于|有关)?(.+)$/s,
  ],
  [
    'search',
    /^(?:在)?(?:我的?)?(?:笔记|备忘录?)(?:里面?|中)有?(?:没有)?(?:提到|说|写|记)?过?(?:关于)?(.+?)(?:的(?:内容|事情?|笔记|信息))?(?:吗)?$/s,
  ],
  [
    'search',
    /^(?:搜索|搜一下|搜|查找|查一下|查查|查看|查|找一下|找找|找|看看|看)(?:一下)?(?:我的?)?(?:笔记|备忘录?)(?:里面?|中)?的?(.+)$/s,
  ],
  [
    'search',
    /^(?:搜索|搜一下|搜|查找|查一下|查查|查看|查|找一下|找找|找|看看|看)(?:一下)?(?:关于|有关)?(.+?)(?:的|相关的?)(?:笔记|备忘录?|记录)$/s,
  ],
  ['search', /^有(?:没有)?(?:关于|有关)(.+?)的(?:笔记|备忘录?)(?:吗)?$/s],
  [
    'add',
    /^(?:take|make|add|save|create|write|put|start|leave|new|jot down|record|keep)(?: down)?(?: me| us)?(?: an?| the| this as an?| this| another| quick| new)* (?:note|memo)s?(?: to self)?(?: for me)?(?:\s*[:：,，-]\s*|\s+(?:that|about|of|saying|to|on|with(?: the text)?)\s+|\s*$)(.*)$/is,
  ],
  [
    'add',
    /^(?:write|jot|note|take|put)(?: (?:this|that|it|the following))? down(?:\s*[:：,，-]\s*|\s+(?:that|this|the following)?\s*[:：]?\s*|\s*$)(.*)$/is,
  ],
  ['list', /^(?:我的?)?(?:笔记|备忘录?)(?:都)?有(?:哪些|什么|几条)()$/s],
  ['list', /^我(?:都)?(?:记|写|存)(?:了|过)(?:些|哪些)?(?:什么|哪些)?(?:笔记|东西)?()$/s],
  [
    'add',
    /^(?:add|put|write|save) (?:this |that )?(?:to|in|into) (?:my |the )?notes?(?:\s*[:：,]\s*|\s+that\s+)(.+)$/is,
  ],
  [
    'add',
    /^(?:take|make|add|save|create|write|remember)(?: me)? (?:a ?|the |this )(?:new )?no(?:te|et) (?:called|named|titled)\s+(.+)$/is,
  ],
  [
    'add',
    /^(?:take|make|add|save|create|write|remember)(?: me)? (?:an?|this) ?(?:note|noet|not)(?:\s*[:：]\s*|\s+that\s+)(.+)$/is,
  ],
  ['add', /^(?:noet|ntoe|nore)(?:\s*[:：]\s*|\s+that\s+)(.+)$/is],
  ['add', /^记(?:一下|下来?)()$/s],
  ['add', /^(?:note|memo)(?: to self)?(?:\s*[:：,-]\s*|\s+that\s+|\s+down\s*[:：]?\s*)(.+)$/is],
  [
    'add',
    /^(?:save|store|keep|add|put|record) (?:this|the following)?(?: as| to| in| into)? ?(?:an? |my |the )?notes?\s*[:：,]\s*(.+)$/is,
  ],
  ['add', /^(?:add|save|put|write)(?: down)? (.+?) (?:to|in|into|as)(?: my| the| a)? notes?$/is],
  ['add', /^(?:save|write|record|keep) (?:this|that)\s*[:：]\s*(.+)$/is],
  [
    'add',
    /^把(?:这个|这条|这件事|以下内容|下面的?|它)(?:内容)?(?:写进|记到|记在|加到|放进|存到|存入|写到|写入|记入|加入)(?:我的?)?(?:笔记|备忘录?)(?:里面?|中)?[，,：:\s]*(.+)$/s,
  ],
  [
    'add',
    /^把(.+?)(?:写进|记到|记在|加到|放进|存到|存入|写到|写入|记入|加入)(?:我的?)?(?:笔记|备忘录?)(?:里面?|中)?$/s,
  ],
  [
    'add',
    /^(?:记|写|做|加|添加|新建|创建|新增|存|保存|来|建)(?:一?下|下来)?(?:(?:一|1)?[个条份篇])?(?:新的?)?(?:笔记|备忘录?|便签|便条)(?:里)?(?:[，,：:\s]+|说|内容是|写着|$)(.*)$/s,
  ],
  ['add', /^(?:记(?:一下|下来?|录一下|录)|写(?:下来?|一下)|备忘(?:一下)?|笔记)[，,：:\s]*(.+)$/s],
  ['add', /^记(?:一?笔|一?条)?[：:]\s*(.+)$/s],
]

/** What a person wants of their notes; undefined when it is something else. */
export function parseNotesRequest(said: string): NotesRequest | undefined {
  if (said.length > MAX_TEXT_LENGTH) return undefined
  const text = said.trim().replaceAll('’', "'").replace(POLITE_PREFIX, '').replace(POLITE_SUFFIX, '')
  for (const [action, pattern] of REQUEST_PATTERNS) {
    const match = pattern.exec(action === 'add' ? text : text.replace(TRAILING_PUNCTUATION, ''))
    if (match) return { action, text: extractText(action, match[1]!) }
  }
  return undefined
}

const NON_SUBJECT_WORDS =
  /\b(?:the|my|our|that|this|an?|notes?|memos?|about|on|for|with|of|called|named|saying|says?|which|containing)\b|关于|有关|那条|那个|这条|我的?|笔记|备忘录?|记录|的/gi

/** Of a note to delete, the words that name it. */
const extractText = (action: NotesRequest['action'], text: string): string =>
  action === 'delete'
    ? text.replace(NON_SUBJECT_WORDS, ' ').replace(/\s+/g, ' ').trim()
    : text.trim().replace(/^["“'](.+)["”']$/s, '$1')
