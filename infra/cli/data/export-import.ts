import type { Environment } from '../../../shared/config/environment.ts'
import type { Audit } from '../../../shared/protection/audit/audit.ts'
import { print, printJson, yellow } from '../terminal.ts'
import { objectReader, readExport, resolveExportPaths, writeExport } from './export-file.ts'
import { type ExportItem, exportItems } from './export-lines.ts'
import { checkImport, importLines } from './import-lines.ts'
import { requireKnownPerson } from './known-person.ts'
import { withStores } from './stores.ts'

export type ExportFlags = { person?: string; unfinished?: boolean; json?: boolean }

export async function exportCommand(
  environment: Environment,
  path: string,
  flags: ExportFlags,
): Promise<number> {
  const { person, unfinished } = flags
  const { lines, digest } = await withStores(environment, async stores => {
    if (person !== undefined) await requireKnownPerson(person, environment, stores)
    const items = exportItems(stores, { person, unfinished })
    return await writeExport(path, auditedExport(items, stores.audit, person))
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

/**
 * Records the export in the audit log, as every read of personal data. The record follows all checks that may refuse
 * the export, and precedes the first write.
 */
async function* auditedExport(
  items: AsyncIterable<ExportItem>,
  audit: Audit,
  person: string | undefined,
): AsyncGenerator<ExportItem> {
  const about = { lines: 'all', person: 'everybody' }
  let isRecorded = false
  for await (const item of items) {
    if (!isRecorded)
      await audit.record({
        action: 'exported',
        by: 'operator',
        ...(person === undefined ? { about } : { person }),
      })
    isRecorded = true
    yield item
  }
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
      `imported ${rows} rows, ${vectors} vectors and ${objects} objects; ${alreadyThere} were there already and stay as they are`,
    )
    print(`digest of the export ${digest}`)
  }
  return 0
}
