import { runPython } from '../../shared/models/python.ts'
import { cachedFolder } from './cached-folder.ts'

/** The folder below the cache with a package of Python (`name==version`), installed at the first use. Errors: `unavailable`. */
export const installPythonPackage = (name: string, requirement: string): Promise<string> =>
  cachedFolder(name, draft =>
    runPython(['-m', 'pip', 'install', '--quiet', '--no-deps', '--target', draft, requirement]),
  )
