import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { LaresError } from '../../shared/base/errors.ts'

const run = promisify(execFile)

/** The libraries that Node is linked with, and the certificates of the authorities that other programs trust. */
const RUNTIME_PACKAGES = ['libc6', 'libgcc-s1', 'libstdc++6', 'ca-certificates']
/** A shell and the small programs that npm and a Dockerfile's RUN expect, as one file. */
const BUILD_PACKAGES = ['busybox-static']
const BUILD_PROGRAMS = ['sh', 'env', 'cat', 'cp', 'id', 'ls', 'mkdir', 'rm']
const CERTIFICATES_FILE = '/etc/ssl/certs/ca-certificates.crt'
const NPM_VERSION = '11.21.2'

export type BaseImages = {
  /** For the build argument BASE_IMAGE: Node on Debian's C library, without a shell. */
  base: string
  /** For BUILD_IMAGE: the same with npm and a shell. */
  build: string
}

export type BaseImageOptions = {
  /** The checkout with the Node binary for the images. */
  root: string
  /** The prefix of `node` and `node-build` in the images' names. */
  prefix?: string
  onProgress?: (line: string) => void
}

/**
 * Builds the base images of template/node24 from packages of Debian and npm, through the mirrors configured on this
 * machine. It is for machines that cannot reach a registry of images. Does nothing when the images exist. Errors:
 * `unavailable`, with the failure and the remedy.
 */
export async function buildBaseImages({
  root,
  prefix = 'lares',
  onProgress = () => undefined,
}: BaseImageOptions): Promise<BaseImages> {
  const version = await imageVersion(root)
  const images = { base: `${prefix}/node:${version}`, build: `${prefix}/node-build:${version}` }
  if ((await imageId(images.base)) && (await imageId(images.build))) return images
  const folder = await mkdtemp(join(tmpdir(), 'lares-base-'))
  try {
    onProgress(`making ${images.base} and ${images.build} from Debian's packages and npm's`)
    await buildRuntime(root, folder)
    await importImage(join(folder, 'root'), images.base)
    await addBuildTools(folder)
    await importImage(join(folder, 'root'), images.build, await localRegistrySettings(join(folder, 'root')))
    return images
  } catch (cause) {
    const reason = (cause as { stderr?: string }).stderr || (cause as Error).message
    throw new LaresError(
      'unavailable',
      `the base images could not be made: ${reason.trim()}; this needs a running dockerd, Debian's apt-get and npm`,
      { cause },
    )
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

const nodeBinaryIn = (root: string): string =>
  join(root, 'node_modules', `node-linux-${process.arch}`, 'bin', 'node')

/** A version with a digest of the inputs, so that other packages make another image. */
async function imageVersion(root: string): Promise<string> {
  const { stdout } = await run(nodeBinaryIn(root), ['--version'])
  const inputs = JSON.stringify([RUNTIME_PACKAGES, BUILD_PACKAGES, BUILD_PROGRAMS, NPM_VERSION])
  return `${stdout.trim().slice(1)}-${createHash('sha256').update(inputs).digest('hex').slice(0, 8)}`
}

/** The digest of a local image; undefined for any other. */
export const imageId = (image: string): Promise<string | undefined> =>
  run('docker', ['image', 'inspect', '--format', '{{.Id}}', image]).then(
    ({ stdout }) => stdout.trim(),
    () => undefined,
  )

async function buildRuntime(root: string, folder: string): Promise<void> {
  const system = join(folder, 'root')
  for (const name of ['bin', 'lib', 'sbin']) {
    await mkdir(join(system, 'usr', name), { recursive: true })
    await symlink(`usr/${name}`, join(system, name))
  }
  await mkdir(join(system, 'usr', 'lib64'))
  await symlink('usr/lib64', join(system, 'lib64'))
  await mkdir(join(system, 'tmp'))
  await chmod(join(system, 'tmp'), 0o1777)
  await unpackPackages(RUNTIME_PACKAGES, folder)
  for (const name of ['doc', 'man', 'locale', 'lintian'])
    await rm(join(system, 'usr', 'share', name), { recursive: true, force: true })
  await bundleCertificates(system)
  await mkdir(join(system, 'usr', 'local', 'bin'), { recursive: true })
  await cp(nodeBinaryIn(root), join(system, 'usr', 'local', 'bin', 'node'))
}

async function unpackPackages(packages: string[], folder: string): Promise<void> {
  const debs = await mkdtemp(join(folder, 'debs-'))
  // As root, apt-get downloads as another user, who may not write here.
  const asSelf = process.getuid?.() === 0 ? ['-o', 'APT::Sandbox::User=root'] : []
  await run('apt-get', ['download', ...asSelf, ...packages], { cwd: debs })
  for (const deb of (await readdir(debs)).sort()) {
    const script = 'dpkg-deb --fsys-tarfile "$0" | tar -x --keep-directory-symlink --no-same-owner -C "$1"'
    await run('sh', ['-c', script, join(debs, deb), join(folder, 'root')])
  }
}

/** Gives npm in a build this machine's registry and trusted certificates. */
async function localRegistrySettings(system: string): Promise<string[]> {
  const { stdout } = await run('npm', ['config', 'get', 'registry'])
  const trusted = await readFile(CERTIFICATES_FILE).catch(() => undefined)
  if (trusted) await writeFile(join(system, CERTIFICATES_FILE), trusted)
  return [`NPM_CONFIG_REGISTRY=${stdout.trim()}`, `NODE_EXTRA_CA_CERTS=${CERTIFICATES_FILE}`]
}

/** Bundles the certificates as update-ca-certificates does when the package is installed. */
async function bundleCertificates(system: string): Promise<void> {
  const folder = join(system, 'usr', 'share', 'ca-certificates', 'mozilla')
  const files = (await readdir(folder)).sort()
  const all = await Promise.all(files.map(file => readFile(join(folder, file), 'utf8')))
  await mkdir(dirname(join(system, CERTIFICATES_FILE)), { recursive: true })
  await writeFile(join(system, CERTIFICATES_FILE), all.join(''))
}

async function addBuildTools(folder: string): Promise<void> {
  const system = join(folder, 'root')
  await unpackPackages(BUILD_PACKAGES, folder)
  for (const name of BUILD_PROGRAMS) await symlink('/bin/busybox', join(system, 'usr', 'bin', name))
  await run('npm', ['pack', `npm@${NPM_VERSION}`, '--silent'], { cwd: folder })
  const target = join(system, 'usr', 'local', 'lib', 'node_modules', 'npm')
  await mkdir(target, { recursive: true })
  await run('tar', ['-xzf', join(folder, `npm-${NPM_VERSION}.tgz`), '--strip-components=1', '-C', target])
  await symlink('../lib/node_modules/npm/bin/npm-cli.js', join(system, 'usr', 'local', 'bin', 'npm'))
}

/**
 * Imports the folder as an image. All files have one owner and one time, so that the same packages make the same layer.
 */
async function importImage(system: string, image: string, environment: string[] = []): Promise<void> {
  const packed = ['--sort=name', '--mtime=@0', '--owner=0', '--group=0', '--numeric-owner']
  const changes = ['PATH=/usr/local/bin:/usr/bin:/bin', ...environment].flatMap(one => [
    '--change',
    `ENV ${one}`,
  ])
  const script = `tar -c ${packed.join(' ')} -C "$0" . | docker import "$@"`
  const child = execFile('sh', ['-c', script, system, ...changes, '-', image])
  let errorOutput = ''
  child.stderr!.on('data', text => (errorOutput += text))
  const [code] = await once(child, 'close')
  if (code !== 0) throw new Error(errorOutput)
}
