import type { NotesLanguage } from '../skill-language.ts'

export const notes: NotesLanguage = {
  title: 'your notes',
  examples: [
    'note that the meter reading is 4810',
    'take a note: the paint for the door is RAL 7016',
    'make a note that the landlord comes on Tuesday',
    'write down that the spare key is in the drawer',
    'jot this down: ask Peter about the tent',
    'add a note: buy new filters',
    'write this down: the code of the gate is 12',
    'can you save a note that the heater was serviced in May',
    'take this down: the flight number is LH 1234',
    'save a memo that Anna has the ladder',
    'new note',
    'show my notes',
    'list all my notes',
    'what notes do I have?',
    'read me my latest notes',
    'search my notes for paint',
    'find the note about the landlord',
    'what did I note about the key?',
    'delete the note about the tent',
    'remove my note on filters',
    'erase the note that says the gate is open',
  ],
  politePrefix:
    /^(?:(?:(?:hey|hi|hello|ok|okay|lares|please|pls|kindly|could|can|would|will|you|i(?:'d| would) like(?: you)? to|i want(?: you)? to|i need(?: you)? to|let me|and|also|so|just|quick(?:ly)?)\b)[,:，]?\s*)+/i,
  politeSuffix: /[\s?!~]*(?:\b(?:please|pls|thanks|thank you|thx)\b[\s.!?]*)*$/i,
  requests: [
    [
      'delete',
      /^(?:delete|remove|erase|drop|discard|throw away|get rid of|trash|scrap)\b\s*(.*\b(?:notes?|memos?)\b.*)$/is,
    ],
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
      'add',
      /^(?:take|make|add|save|create|write|put|start|leave|new|jot down|record|keep)(?: down)?(?: me| us)?(?: an?| the| this as an?| this| another| quick| new)* (?:note|memo)s?(?: to self)?(?: for me)?(?:\s*[:：,，-]\s*|\s+(?:that|about|of|saying|to|on|with(?: the text)?)\s+|\s*$)(.*)$/is,
    ],
    [
      'add',
      /^(?:write|jot|note|take|put)(?: (?:this|that|it|the following))? down(?:\s*[:：,，-]\s*|\s+(?:that|this|the following)?\s*[:：]?\s*|\s*$)(.*)$/is,
    ],
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
    ['add', /^(?:note|memo)(?: to self)?(?:\s*[:：,-]\s*|\s+that\s+|\s+down\s*[:：]?\s*)(.+)$/is],
    [
      'add',
      /^(?:save|store|keep|add|put|record) (?:this|the following)?(?: as| to| in| into)? ?(?:an? |my |the )?notes?\s*[:：,]\s*(.+)$/is,
    ],
    ['add', /^(?:add|save|put|write)(?: down)? (.+?) (?:to|in|into|as)(?: my| the| a)? notes?$/is],
    ['add', /^(?:save|write|record|keep) (?:this|that)\s*[:：]\s*(.+)$/is],
  ],
  nonSubjectWords:
    /\b(?:the|my|our|that|this|an?|notes?|memos?|about|on|for|with|of|called|named|saying|says?|which|containing)\b/gi,
  latest: /^(?:(?:last|latest|newest|most recent)\s*(?:one)?)$/i,
  all: /^(?:all|every|everything)/i,
  phrases: {
    saved: text => `Noted: ${text}`,
    what: 'What shall I note? Say for example "note that the plumber comes on Friday".',
    list: (list, hasMore) =>
      `Your ${hasMore ? 'latest ' : ''}notes:\n${list}${hasMore ? '\nSearch them to see older ones.' : ''}`,
    none: 'You have no notes.',
    unknown: about => `You have no note about this: ${about}`,
    deleted: text => `Deleted the note: ${text}`,
    which: list => `Which one shall I delete?\n${list}`,
    oneByOne: 'I delete notes one by one, so that none is lost by mistake. Say which one, in its own words.',
    tooLong: 'That is too long for a note.',
    full: 'You have too many notes already. Delete some first.',
  },
}
