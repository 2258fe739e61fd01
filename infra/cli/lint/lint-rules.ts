import { toLaresError } from '../../../shared/base/errors.ts'
import { type Deployment, parseConstraint, readDeployment } from '../../provider/deployment.ts'
import { buildKubernetesObjects } from '../../provider/knative/manifests.ts'
import { type Finding, problem, warning } from '../doctor/finding.ts'
import type { StackFunction } from './lint-stack.ts'

export const LINT_TARGETS = ['openfaas-ce', 'openfaas-pro', 'knative', 'lares'] as const
export type LintTarget = (typeof LINT_TARGETS)[number]

type Rule = (one: StackFunction) => Finding[]

/** The keys of a function that faas-cli 0.18 knows; it ignores all others without a warning (schema/, stack/). */
const FUNCTION_KEYS = [
  'name',
  'lang',
  'handler',
  'image',
  'fprocess',
  'environment',
  'environment_file',
  'secrets',
  'skip_build',
  'constraints',
  'labels',
  'annotations',
  'limits',
  'requests',
  'readonly_root_filesystem',
  'build_options',
  'build_args',
  'build_secrets',
  'namespace',
  'platforms',
]

const CE_MAX_FUNCTIONS = 15
const CE_MAX_REPLICAS = 5
const SCALE_LABEL_PREFIX = 'com.openfaas.scale.'
const LARES_ANNOTATION_REMEDIES: Record<string, string> = {
  'com.lares.active-hours':
    'it stays as warm as its labels say; scale it by a cron job, or deploy to lares or knative',
  'com.lares.gpu': 'no GPU is assigned; use a profile that brings one, or deploy to lares or knative',
  'com.lares.egress': 'nothing restricts where it connects to; write a NetworkPolicy yourself',
}

const functionLabel = ({ name }: StackFunction) => `function ${name}`

const unknownKeys: Rule = one =>
  Object.keys(one)
    .filter(key => !FUNCTION_KEYS.includes(key))
    .map(key => warning(functionLabel(one), `"${key}" is no key of a function, and faas-cli passes over it`))

const droppedLimits: Rule = one =>
  Object.keys({ ...one.limits, ...one.requests })
    .filter(key => key !== 'memory' && key !== 'cpu')
    .map(key =>
      warning(
        functionLabel(one),
        `faas-cli drops "${key}" from limits: write the annotation com.lares.gpu for GPUs`,
      ),
    )

const deploymentOf = (one: StackFunction): Deployment =>
  readDeployment({ ...one, service: one.name, image: one.image ?? '', envVars: one.environment })

/** Reports now the error that the deployment would report. */
const rejectedBy =
  (deploy: (deployment: Deployment) => unknown): Rule =>
  one => {
    try {
      deploy(deploymentOf(one))
      return []
    } catch (error) {
      return [problem(functionLabel(one), toLaresError(error).message)]
    }
  }

const laresAnnotations: Rule = one =>
  Object.entries(LARES_ANNOTATION_REMEDIES)
    .filter(([annotation]) => one.annotations?.[annotation] !== undefined)
    .map(([annotation, remedy]) => warning(functionLabel(one), `${annotation} is ignored: ${remedy}`))

const communityScaling: Rule = one => {
  const refused = ['zero', 'zero-duration', 'target', 'target-proportion', 'type']
    .filter(label => one.labels?.[SCALE_LABEL_PREFIX + label] !== undefined)
    .map(label =>
      problem(
        functionLabel(one),
        `the label ${SCALE_LABEL_PREFIX}${label} is refused: leave it out; it never sleeps there`,
      ),
    )
  const maxReplicas = Number(one.labels?.[`${SCALE_LABEL_PREFIX}max`] ?? 0)
  return maxReplicas > CE_MAX_REPLICAS
    ? [
        ...refused,
        problem(
          functionLabel(one),
          `${SCALE_LABEL_PREFIX}max is ${maxReplicas}: at most ${CE_MAX_REPLICAS} replicas are allowed`,
        ),
      ]
    : refused
}

const communityTopics: Rule = one => {
  const topic = one.annotations?.topic
  if (topic === undefined) return []
  return topic.includes(',')
    ? [
        problem(
          functionLabel(one),
          `the topic annotation "${topic}" is refused for its comma: deploy a function for each topic`,
        ),
      ]
    : []
}

const communityPlacement: Rule = one =>
  (one.constraints ?? []).length > 0
    ? [
        warning(
          functionLabel(one),
          'constraints are ignored: it runs on any node; use taints to keep others off',
        ),
      ]
    : []

const publicImage: Rule = one =>
  /^(127\.|10\.|192\.168\.|localhost)/.test(one.image ?? '')
    ? [problem(functionLabel(one), `the image ${one.image} is refused: only public registries; set REGISTRY`)]
    : []

const oneNamespace: Rule = one =>
  one.namespace !== undefined && one.namespace !== 'openfaas-fn'
    ? [problem(functionLabel(one), `the namespace "${one.namespace}" is refused: there is openfaas-fn alone`)]
    : []

const knativeScaling: Rule = one =>
  one.labels?.[`${SCALE_LABEL_PREFIX}type`] === 'cpu'
    ? [
        warning(
          functionLabel(one),
          `${SCALE_LABEL_PREFIX}type cpu makes it an HPA's, which never goes to zero`,
        ),
      ]
    : []

const knativePlacement: Rule = one => {
  if ((one.constraints ?? []).length === 0) return []
  const hints = [
    'constraints need config-features kubernetes.podspec-nodeselector and -tolerations to be enabled',
  ]
  const unequal = one.constraints!.filter(text => {
    try {
      return !parseConstraint(text).equal
    } catch {
      return false
    }
  })
  if (unequal.length > 0) hints.push(`"${unequal[0]}" needs kubernetes.podspec-affinity too`)
  return hints.map(hint => warning(functionLabel(one), hint))
}

const COMMON_RULES = [unknownKeys, droppedLimits]

const RULES: Record<LintTarget, Rule[]> = {
  'openfaas-ce': [
    ...COMMON_RULES,
    communityScaling,
    communityTopics,
    communityPlacement,
    publicImage,
    oneNamespace,
    laresAnnotations,
  ],
  'openfaas-pro': [...COMMON_RULES, laresAnnotations],
  knative: [...COMMON_RULES, rejectedBy(buildKubernetesObjects), knativeScaling, knativePlacement],
  lares: [...COMMON_RULES, rejectedBy(deployment => deployment), oneNamespace],
}

/** Reports what the target would refuse (`problem`) or ignore (`warning`), each with its remedy. */
export function lintFunctions(functions: StackFunction[], target: LintTarget): Finding[] {
  const found = functions.flatMap(one => RULES[target].flatMap(rule => rule(one)))
  if (target !== 'openfaas-ce') return found
  const editionFindings = [
    warning('events', 'the Kafka connector is paid there: run Lares’s own with OPENFAAS_URL'),
    warning('licence', 'the community edition is for personal use, and 60 days of a company’s'),
  ]
  if (functions.length > CE_MAX_FUNCTIONS)
    editionFindings.push(
      problem(
        'functions',
        `${functions.length} functions: at most ${CE_MAX_FUNCTIONS} are allowed; leave out skills`,
      ),
    )
  return [...editionFindings, ...found]
}
