import { type Flow, flowsOf, type Part } from './pipeline.ts'

/** docs/pipeline.md, whole. */
export function pageOf(parts: Part[]): string {
  return `# The pipeline

<!-- Made from stack.yml and the handlers by "npm run pipeline"; the tests fail when it is stale. -->

Who hands which event to whom. An event's topic is its type without the last word; every function reads its topics in
a consumer group of its own.

\`\`\`mermaid
${mermaidOf(parts)}
\`\`\`

The same in words:

\`\`\`text
${textOf(parts)}
\`\`\`

The gateway also looks at the events between, without a group, to show people which stage is working.
`
}

export function mermaidOf(parts: Part[]): string {
  const nodes = parts.map(part => `  ${idOf(part.name)}${shapeOf(part)}`)
  const edges = joined(flowsOf(parts)).map(
    ({ from, to, types }) => `  ${idOf(from)} -- "${types.join('<br>')}" --> ${idOf(to)}`,
  )
  return ['flowchart LR', ...nodes, ...edges].join('\n')
}

/** A line for each type: who writes it, who reads it. */
export function textOf(parts: Part[]): string {
  const flows = flowsOf(parts)
  const types = [...new Set(flows.map(({ type }) => type))]
  const rows = types.map(type => {
    const here = flows.filter(flow => flow.type === type)
    return [type, names(here.map(({ from }) => from)), names(here.map(({ to }) => to))] as const
  })
  const width = (column: 0 | 1) => Math.max(0, ...rows.map(row => row[column].length))
  return rows
    .map(([type, from, to]) => `${type.padEnd(width(0))}  ${from.padEnd(width(1))} → ${to}`)
    .join('\n')
}

const names = (all: string[]): string => [...new Set(all)].join(', ')

/** One arrow for all that goes the same way. */
function joined(flows: Flow[]): { from: string; to: string; types: string[] }[] {
  const groups = Map.groupBy(flows, ({ from, to }) => `${from} ${to}`)
  return [...groups.values()].map(group => ({
    from: group[0]!.from,
    to: group[0]!.to,
    types: group.map(({ type }) => type),
  }))
}

/** Mermaid takes some words for its own, such as "end". */
const idOf = (name: string): string => `part_${name.replaceAll('-', '_')}`

function shapeOf({ name, kind }: Part): string {
  if (kind === 'room') return `[["${name}"]]`
  return kind === 'skill' ? `(["${name}"])` : `["${name}"]`
}
