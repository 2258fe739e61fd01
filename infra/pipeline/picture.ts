import { decoratorStacks, dialogTransitions } from './code-facts.ts'
import { type Component, type Flow, flowsOf } from './pipeline.ts'

/** The whole text of docs/pipeline.md. */
export function renderPage(components: Component[]): string {
  return `# The pipeline

<!-- Made from stack.yml and the handlers by "npm run pipeline"; the tests fail when it is stale. -->

Who hands which event to whom. An event's topic is its type without the last word; every function reads its topics in
a consumer group of its own.

\`\`\`mermaid
${renderMermaid(components)}
\`\`\`

The same in words:

\`\`\`text
${renderText(components)}
\`\`\`

The gateway also looks at the events between, without a group, to show people which stage is working.

## What wraps the drivers

A function asks for a port and gets the driver inside these wrappers, each of which keeps the port's interface. Calls go
from left to right. Without encryption (\`LARES_PROTECTION=off\`) the \`protected\` ones are left out.

\`\`\`mermaid
${renderDecorators()}
\`\`\`

## Dialog's state machine

The turn of one conversation. Messages that come meanwhile wait in the conversation's queue
(\`functions/dialog/turn/queue.ts\`); when the turn is over, dialog takes the next one. Each arrow names the function that
makes the step.

\`\`\`mermaid
${renderDialog()}
\`\`\`
`
}

export function renderMermaid(components: Component[]): string {
  const nodes = components.map(component => `  ${mermaidId(component.name)}${mermaidShape(component)}`)
  const edges = mergeFlows(flowsOf(components)).map(
    ({ from, to, types }) => `  ${mermaidId(from)} -- "${types.join('<br>')}" --> ${mermaidId(to)}`,
  )
  return ['flowchart LR', ...nodes, ...edges].join('\n')
}

/** One line for each type, with its writers and readers. */
export function renderText(components: Component[]): string {
  const flows = flowsOf(components)
  const types = [...new Set(flows.map(({ type }) => type))]
  const rows = types.map(type => {
    const here = flows.filter(flow => flow.type === type)
    return [type, uniqueNames(here.map(({ from }) => from)), uniqueNames(here.map(({ to }) => to))] as const
  })
  const width = (column: 0 | 1) => Math.max(0, ...rows.map(row => row[column].length))
  return rows
    .map(([type, from, to]) => `${type.padEnd(width(0))}  ${from.padEnd(width(1))} → ${to}`)
    .join('\n')
}

const uniqueNames = (all: string[]): string => [...new Set(all)].join(', ')

/** Merges flows between the same two components into one arrow. */
function mergeFlows(flows: Flow[]): { from: string; to: string; types: string[] }[] {
  const groups = Map.groupBy(flows, ({ from, to }) => `${from} ${to}`)
  return [...groups.values()].map(group => ({
    from: group[0]!.from,
    to: group[0]!.to,
    types: group.map(({ type }) => type),
  }))
}

/** A prefixed name, because Mermaid reserves some words, such as "end". */
const mermaidId = (name: string): string => `part_${name.replaceAll('-', '_')}`

function mermaidShape({ name, kind }: Component): string {
  if (kind === 'room') return `[["${name}"]]`
  return kind === 'skill' ? `(["${name}"])` : `["${name}"]`
}

/** One line for each port, from its callers to its drivers. */
function renderDecorators(): string {
  const lines = decoratorStacks.flatMap(({ port, decorators, drivers }) => {
    const nodes = [
      `port_${port}(["${port}"])`,
      ...decorators.map(({ name, does }) => `${port}_${name}["${name}<br><small>${does}</small>"]`),
      `${port}_driver[("${drivers.join(' or ')}")]`,
    ]
    return `  ${nodes.join(' --> ')}`
  })
  return ['flowchart LR', ...lines].join('\n')
}

function renderDialog(): string {
  const lines = dialogTransitions.map(({ from, to, when, name }) => `  ${from} --> ${to}: ${when} (${name})`)
  return ['stateDiagram-v2', '  [*] --> idle', ...lines].join('\n')
}
