import { deflateSync } from 'node:zlib'

export type PdfOptions = { encrypted?: boolean; stream?: (page: string) => Buffer }

/** A real PDF with a page for each text; Chinese too. `encrypted`: it cannot be opened without a password. */
export function pdfOf(pages: readonly string[], { encrypted, stream = drawn }: PdfOptions = {}): Buffer {
  const kids = pages.map((_, index) => `${6 + 2 * index} 0 R`).join(' ')
  const objects: Buffer[] = [
    text('<< /Type /Catalog /Pages 2 0 R >>'),
    text(`<< /Type /Pages /Kids [${kids}] /Count ${pages.length} >>`),
    text(
      '<< /Type /Font /Subtype /Type0 /BaseFont /Any /Encoding /Identity-H /DescendantFonts [4 0 R] /ToUnicode 5 0 R >>',
    ),
    text(
      '<< /Type /Font /Subtype /CIDFontType2 /BaseFont /Any /CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) /Supplement 0 >> /DW 500 >>',
    ),
    streamOf(text(TO_UNICODE)),
  ]
  for (const [index, page] of pages.entries()) {
    const content = `${7 + 2 * index} 0 R`
    objects.push(
      text(
        `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Resources << /Font << /F1 3 0 R >> >> /Contents ${content} >>`,
      ),
      streamOf(stream(page)),
    )
  }
  const locked = 'A'.repeat(64)
  const encryption = encrypted
    ? ` /ID [<${'00'.repeat(16)}> <${'00'.repeat(16)}>] /Encrypt << /Filter /Standard /V 1 /R 2 /O <${locked}> /U <${locked}> /P -4 >>`
    : ''
  return assembled(objects, encryption)
}

/** A line each; those of an empty line part paragraphs. */
function drawn(page: string): Buffer {
  const lines = page.split('\n').map(line => {
    const codes = [...line].map(one => one.charCodeAt(0).toString(16).padStart(4, '0')).join('')
    return `<${codes}> Tj 0 -14 Td`
  })
  return text(`BT /F1 12 Tf 72 720 Td ${lines.join('\n')} ET`)
}

const TO_UNICODE = `/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /Any def /CMapType 2 def
1 begincodespacerange <0000> <FFFF> endcodespacerange
1 beginbfrange <0000> <FFFF> <0000> endbfrange endcmap end end`

const text = (value: string): Buffer => Buffer.from(value, 'latin1')

function streamOf(content: Buffer): Buffer {
  const packed = deflateSync(content)
  const head = text(`<< /Length ${packed.length} /Filter /FlateDecode >>\nstream\n`)
  return Buffer.concat([head, packed, text('\nendstream')])
}

function assembled(objects: Buffer[], encryption: string): Buffer {
  const parts: Buffer[] = [text('%PDF-1.4\n')]
  const offsets: number[] = []
  let length = parts[0]!.length
  const add = (part: Buffer) => {
    parts.push(part)
    length += part.length
  }
  for (const [index, object] of objects.entries()) {
    offsets.push(length)
    add(Buffer.concat([text(`${index + 1} 0 obj\n`), object, text('\nendobj\n')]))
  }
  const rows = offsets.map(offset => `${String(offset).padStart(10, '0')} 00000 n \n`).join('')
  const size = objects.length + 1
  add(
    text(
      `xref\n0 ${size}\n0000000000 65535 f \n${rows}trailer << /Size ${size} /Root 1 0 R${encryption} >>\nstartxref\n${length}\n%%EOF\n`,
    ),
  )
  return Buffer.concat(parts)
}
