import type { Environment } from '../../../shared/config/environment.ts'
import { print, printJson, yellow } from '../terminal.ts'
import { objectReader, readExport, resolveExportPaths, writeExport } from './export-file.ts'
import { exportItems } from './export-lines.ts'
import { checkImport, importLines } from './import-lines.ts'
import { withStores } from './stores.ts'

export type ExportFlags = { person?: string; unfinished?: boolean; json?: boolean }

export async function exportCommand(
  environment: Environment,
  path: string,
  flags: ExportFlags,
): Promise<number> {
  const { person, unfinished } = flags
  const { lines, digest } = await withStores(environment, async stores => {
    const about = { lines: 'all', person: person ?? 'everybody' }
    // Before anything is shown, as with all reading.
    await stores.audit.record({
      action: 'exported',
      by: 'operator',
      ...(person === undefined ? { about } : { person }),
    })
    return await writeExport(path, exportItems(stores, { person, unfinished }))
  })
  if (flags.json) printJson({ lines, digest })
  else {
    print(`${lines} lines, digest ${digest}`)
    print(
      `${yellow('!')} ${path} is plain text: whoever has it can read all of it. Only you may read the file; delete it when you have moved.`,
    )
  }
  return 0
}

export async function importCommand(
  environment: Environment,
  path: string,
  flags: { json?: boolean },
): Promise<number> {
  const { file, objects } = await resolveExportPaths(path)
  const report = await withStores(environment, async stores => {
    const { digest } = await checkImport(readExport(file), stores)
    await stores.audit.record({ action: 'imported', by: 'operator', about: { digest } })
    return {
      ...(await importLines(
        readExport(file),
        stores,
        objects === undefined ? undefined : objectReader(objects),
      )),
      digest,
    }
  })
  if (flags.json) printJson(report)
  else {
    const { rows, vectors, objects, alreadyThere, digest } = report
    print(
      `${rows} rows, ${vectors} vectors and ${objects} objects are in; ${alreadyThere} were there already and stay as they are`,
    )
    print(`digest of the export ${digest}`)
  }
  return 0
}
