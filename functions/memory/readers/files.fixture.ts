import { deflateSync } from 'node:zlib'

export type PdfOptions = { encrypted?: boolean; stream?: (page: string) => Buffer }

/** A real PDF with a page for each text, also for Chinese text. `encrypted`: it cannot be opened without a password. */
export function createPdf(
  pages: readonly string[],
  { encrypted, stream = drawText }: PdfOptions = {},
): Buffer {
  const kids = pages.map((_, index) => `${6 + 2 * index} 0 R`).join(' ')
  const objects: Buffer[] = [
    latin1('<< /Type /Catalog /Pages 2 0 R >>'),
    latin1(`<< /Type /Pages /Kids [${kids}] /Count ${pages.length} >>`),
    latin1(
      '<< /Type /Font /Subtype /Type0 /BaseFont /Any /Encoding /Identity-H /DescendantFonts [4 0 R] /ToUnicode 5 0 R >>',
    ),
    latin1(
      '<< /Type /Font /Subtype /CIDFontType2 /BaseFont /Any /CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) /Supplement 0 >> /DW 500 >>',
    ),
    streamOf(latin1(TO_UNICODE)),
  ]
  for (const [index, page] of pages.entries()) {
    const content = `${7 + 2 * index} 0 R`
    objects.push(
      latin1(
        `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Resources << /Font << /F1 3 0 R >> >> /Contents ${content} >>`,
      ),
      streamOf(stream(page)),
    )
  }
  const locked = 'A'.repeat(64)
  const encryption = encrypted
    ? ` /ID [<${'00'.repeat(16)}> <${'00'.repeat(16)}>] /Encrypt << /Filter /Standard /V 1 /R 2 /O <${locked}> /U <${locked}> /P -4 >>`
    : ''
  return assemblePdf(objects, encryption)
}

/** Draws each line of a text. Empty lines separate paragraphs. */
function drawText(page: string): Buffer {
  const lines = page.split('\n').map(line => {
    const codes = [...line].map(one => one.charCodeAt(0).toString(16).padStart(4, '0')).join('')
    return `<${codes}> Tj 0 -14 Td`
  })
  return latin1(`BT /F1 12 Tf 72 720 Td ${lines.join('\n')} ET`)
}

const TO_UNICODE = `/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /Any def /CMapType 2 def
1 begincodespacerange <0000> <FFFF> endcodespacerange
1 beginbfrange <0000> <FFFF> <0000> endbfrange endcmap end end`

const latin1 = (value: string): Buffer => Buffer.from(value, 'latin1')

function streamOf(content: Buffer): Buffer {
  const packed = deflateSync(content)
  const head = latin1(`<< /Length ${packed.length} /Filter /FlateDecode >>\nstream\n`)
  return Buffer.concat([head, packed, latin1('\nendstream')])
}

function assemblePdf(objects: Buffer[], encryption: string): Buffer {
  const parts: Buffer[] = [latin1('%PDF-1.4\n')]
  const offsets: number[] = []
  let length = parts[0]!.length
  const add = (part: Buffer) => {
    parts.push(part)
    length += part.length
  }
  for (const [index, object] of objects.entries()) {
    offsets.push(length)
    add(Buffer.concat([latin1(`${index + 1} 0 obj\n`), object, latin1('\nendobj\n')]))
  }
  const rows = offsets.map(offset => `${String(offset).padStart(10, '0')} 00000 n \n`).join('')
  const size = objects.length + 1
  add(
    latin1(
      `xref\n0 ${size}\n0000000000 65535 f \n${rows}trailer << /Size ${size} /Root 1 0 R${encryption} >>\nstartxref\n${length}\n%%EOF\n`,
    ),
  )
  return Buffer.concat(parts)
}
