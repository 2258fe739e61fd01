import { isIP } from 'node:net'
import { LaresError } from '../../shared/base/errors.ts'
import type { Deployment } from './deployment.ts'

export const EGRESS_ANNOTATION = 'com.lares.egress'

/** Address ranges outside the internet: RFC 1918, RFC 3927, RFC 6598. */
const PRIVATE_RANGES = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '169.254.0.0/16', '100.64.0.0/10']

const DNS_RULE = {
  to: [
    { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'kube-system' } } },
    // NodeLocal DNSCache: https://kubernetes.io/docs/tasks/administer-cluster/nodelocaldns/
    { ipBlock: { cidr: '169.254.20.10/32' } },
  ],
  ports: [
    { port: 53, protocol: 'UDP' },
    { port: 53, protocol: 'TCP' },
  ],
}

/**
 * The rules of a NetworkPolicy from the annotation. It is `none`, or a list with commas: `app=kafka:9092` (pods by a
 * label, in any namespace), `10.1.2.0/24:5432` and `internet:443`. A list always allows DNS. Undefined without the
 * annotation. Errors: `invalid_request`.
 */
export function parseEgressRules({ name, annotations }: Deployment): object[] | undefined {
  const text = annotations[EGRESS_ANNOTATION]?.trim()
  if (text === undefined) return undefined
  if (text === 'none') return []
  return [DNS_RULE, ...text.split(',').map(rule => parseEgressRule(name, rule.trim()))]
}

function parseEgressRule(name: string, rule: string): object {
  const [, target = '', port = ''] = /^(.+):(\d{1,5})$/.exec(rule) ?? []
  const peer = parsePeer(target)
  if (peer === undefined || Number(port) > 65_535)
    throw new LaresError(
      'invalid_request',
      `${name}: ${EGRESS_ANNOTATION} has "${rule}"; write LABEL=VALUE:PORT, CIDR:PORT or internet:PORT`,
    )
  return { to: [peer], ports: [{ port: Number(port), protocol: 'TCP' }] }
}

function parsePeer(target: string): object | undefined {
  if (target === 'internet') return { ipBlock: { cidr: '0.0.0.0/0', except: PRIVATE_RANGES } }
  const [, label, value] = /^([\w./-]+)=([\w.-]+)$/.exec(target) ?? []
  if (label !== undefined) return { namespaceSelector: {}, podSelector: { matchLabels: { [label]: value } } }
  const [address = '', bits = ''] = target.split('/')
  return isIP(address) === 4 && /^\d{1,2}$/.test(bits) && Number(bits) <= 32
    ? { ipBlock: { cidr: target } }
    : undefined
}
