import { existsSync } from 'node:fs'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { listRows } from '../contract/gateway/client.ts'
import {
  echo,
  OWNER_TOKEN,
  openTestGateway,
  type Responder,
  type TestGateway,
} from '../contract/gateway/gateway-instance.ts'

/** A browser is no dependency of Lares: without one, set CHROMIUM, or these tests are skipped. */
const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium'

const MALICIOUS_MARKDOWN = [
  '<img src=x onerror="window.hacked=1"><script>window.hacked=2</script>',
  '[link](javascript:window.hacked=3) <a href="javascript:window.hacked=4" onclick="window.hacked=5">a</a>',
  '<iframe srcdoc="<script>parent.hacked=6</script>"></iframe><svg onload="window.hacked=7"></svg>',
  '<form action="https://evil.example"><input name="token"></form><style>body{display:none}</style>',
  '![pixel](https://evil.example/pixel.png) [fine](https://example.org "title")',
].join('\n\n')

let release = Promise.withResolvers<void>()

const responder: Responder = async turn => {
  const { message, chunk, reply } = turn
  if (message.data.text === 'malice') return reply(MALICIOUS_MARKDOWN)
  if (message.data.text !== 'slowly') return echo(turn)
  await chunk(0, 'One **two')
  await release.promise
  await reply('One **two** three')
}

describe.skipIf(!existsSync(executablePath))('the page', () => {
  let browser: Browser
  let instance: TestGateway
  let problems: string[]

  beforeAll(async () => {
    browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] })
    instance = await openTestGateway({ responder })
  }, 30_000)
  afterAll(async () => {
    await browser.close()
    await instance.close()
  })
  afterEach(async () => {
    for (const context of browser.contexts()) await context.close()
    expect(problems.filter(problem => /Content Security|TypeError|Trusted/.test(problem))).toEqual([])
  })

  async function openPage(options: BrowserContextOptions = {}): Promise<Page> {
    problems = []
    const page = await (await browser.newContext({ locale: 'en-GB', ...options })).newPage()
    page.setDefaultTimeout(8_000)
    page.on('console', message => problems.push(message.text()))
    page.on('pageerror', error => problems.push(`${error.name}: ${error.message}`))
    return page
  }

  async function openSignedIn(options?: BrowserContextOptions): Promise<Page> {
    const page = await openPage(options)
    await page.goto(`${instance.url}/?token=${OWNER_TOKEN}`)
    await page.locator('#draft').waitFor()
    return page
  }

  const send = async (page: Page, text: string) => {
    await page.locator('#draft').fill(text)
    await page.locator('#send').click()
  }
  const answer = (page: Page, text: string) => page.locator('.message.assistant', { hasText: text })

  it('is signed in by the link, which leaves no token in the address', async () => {
    const page = await openSignedIn()
    expect(page.url()).toBe(`${instance.url}/`)
    expect(await page.evaluate(() => document.cookie)).toBe('')
    await send(page, 'hello')
    await answer(page, 'You said: hello').waitFor()
  })

  it('asks who has no cookie for the token, and takes the right one', async () => {
    const page = await openPage()
    await page.goto(instance.url)
    await page.locator('#token').fill('wrong-token')
    await page.keyboard.press('Enter')
    await page.getByRole('alert').waitFor()
    await page.locator('#token').fill(OWNER_TOKEN)
    await page.keyboard.press('Enter')
    await send(page, 'let in')
    await answer(page, 'You said: let in').waitFor()
    await page.locator('#sign-out').click()
    await page.locator('#token').waitFor()
  })

  it('shows the answer as it is written, also to one who comes later', async () => {
    release = Promise.withResolvers()
    const page = await openSignedIn()
    await send(page, 'slowly')
    await page.locator('.is-live', { hasText: 'One **two' }).waitFor()
    await expect.poll(() => page.locator('.stage').textContent()).toBe('writing…')
    const other = await page.context().newPage()
    await other.goto(page.url())
    await other.locator('.is-live', { hasText: 'One **two' }).waitFor()
    release.resolve()
    for (const one of [page, other]) await one.locator('.is-completed strong', { hasText: 'two' }).waitFor()
    expect(await page.locator('#announcer').textContent()).toBe('One **two** three')
  })

  it('renders foreign Markdown inert', async () => {
    const page = await openSignedIn()
    const asked: string[] = []
    page.on('request', request => asked.push(new URL(request.url()).host))
    await send(page, 'malice')
    const message = page.locator('.message.assistant')
    await message.getByText('fine').waitFor()
    expect(await page.evaluate(() => (window as { hacked?: number }).hacked)).toBeUndefined()
    expect(await message.locator('img, script, iframe, svg, form, input, style').count()).toBe(0)
    const links = await message.locator('a').evaluateAll(all => all.map(link => link.getAttribute('href')))
    expect(links.filter(Boolean)).toEqual(['https://evil.example/pixel.png', 'https://example.org'])
    expect(await message.getByText('fine').getAttribute('rel')).toContain('noopener')
    expect(new Set(asked)).toEqual(new Set([new URL(instance.url).host]))
  })

  it('keeps what was said while the gateway was away, and sends it once', async () => {
    const page = await openSignedIn()
    await send(page, 'before')
    await answer(page, 'You said: before').waitFor()
    await instance.stop()
    await send(page, 'while away')
    await page.locator('#banner', { hasText: 'will be sent' }).waitFor()
    await page.locator('.is-sending', { hasText: 'while away' }).waitFor()
    await instance.start()
    await answer(page, 'You said: while away').waitFor({ timeout: 20_000 })
    await page.locator('#banner').waitFor({ state: 'hidden' })
    const conversation = new URL(page.url()).hash.slice(1)
    expect((await listRows(instance, conversation)).map(({ text }) => text)).toEqual([
      'before',
      'You said: before',
      'while away',
      'You said: while away',
    ])
  }, 40_000)

  describe('files', () => {
    const note = { name: '说明.md', mimeType: '', buffer: Buffer.from('# Boiler\n\nThe code is 7788.') }
    const lease = { name: 'lease.pdf', mimeType: 'application/pdf', buffer: Buffer.from('%PDF-1.7 …') }
    const attachmentsOf = async (text: string) =>
      (await instance.publishedMessages()).findLast(({ data }) => data.text === text)?.data.attachments
    const bytesOf = (buffer: Buffer) => buffer.length

    it('go with a message, chosen and left out again', async () => {
      const page = await openSignedIn()
      await page.locator('#files').setInputFiles([note, lease])
      await page.locator('#files').setInputFiles([{ ...note, name: 'wrong.txt', mimeType: 'text/plain' }])
      await page.getByLabel('Leave out wrong.txt').click()
      await send(page, 'read these')
      await answer(page, 'You said: read these').waitFor()
      expect(await page.locator('.message.user .file').allTextContents()).toEqual(['说明.md', 'lease.pdf'])
      expect(await page.locator('#chosen').isHidden()).toBe(true)
      expect(await attachmentsOf('read these')).toMatchObject([
        { name: '说明.md', mediaType: 'text/markdown', bytes: bytesOf(note.buffer) },
        { name: 'lease.pdf', mediaType: 'application/pdf', bytes: bytesOf(lease.buffer) },
      ])
    })

    it('are enough for a message, and are dropped or pasted too', async () => {
      const page = await openSignedIn()
      expect(await page.locator('#send').isDisabled()).toBe(true)
      for (const [place, type] of [
        ['#room', 'drop'],
        ['#draft', 'paste'],
      ])
        await page.evaluate(
          ([place, type]) => {
            const data = new DataTransfer()
            data.items.add(new File(['a note'], `${type}.txt`, { type: 'text/plain' }))
            const options = { bubbles: true, cancelable: true }
            document
              .querySelector(place!)!
              .dispatchEvent(
                type === 'drop'
                  ? new DragEvent(type, { ...options, dataTransfer: data })
                  : new ClipboardEvent(type!, { ...options, clipboardData: data }),
              )
          },
          [place, type],
        )
      await page.locator('#send').click()
      await page.locator('.message.user.is-answered').waitFor()
      expect((await attachmentsOf(''))!.map(({ name }) => name)).toEqual(['drop.txt', 'paste.txt'])
      await page.reload()
      await page.locator('.message.user .file', { hasText: 'drop.txt' }).waitFor()
      expect(await page.locator('.message.user .file').allTextContents()).toEqual(['drop.txt', 'paste.txt'])
    })

    it('wait in the browser while the gateway is away, the page closed meanwhile', async () => {
      const page = await openSignedIn()
      await send(page, 'first')
      await answer(page, 'You said: first').waitFor()
      await instance.stop()
      await page.locator('#files').setInputFiles([lease])
      await send(page, 'later')
      await page.locator('.is-sending .file', { hasText: 'lease.pdf' }).waitFor()
      const address = page.url()
      await instance.start()
      // Opened again before the first page could send anything.
      const other = await page.context().newPage()
      await page.close()
      await other.goto(address)
      await answer(other, 'You said: later').waitFor({ timeout: 20_000 })
      expect(await attachmentsOf('later')).toMatchObject([
        { name: 'lease.pdf', bytes: bytesOf(lease.buffer) },
      ])
    }, 40_000)

    it('that are gone from the browser are told, and not sent without', async () => {
      const page = await openSignedIn()
      await page.route('**/api/messages', route => route.abort())
      await page.locator('#files').setInputFiles([lease])
      await send(page, 'gone')
      await page.locator('.is-sending', { hasText: 'gone' }).waitFor()
      await page.evaluate(
        () =>
          new Promise(resolve => {
            const opening = indexedDB.open('lares', 1)
            opening.onsuccess = () => {
              const change = opening.result.transaction('files', 'readwrite')
              change.objectStore('files').clear()
              change.oncomplete = resolve
            }
          }),
      )
      await page.reload()
      await page.locator('.is-refused', { hasText: 'no longer in this browser' }).waitFor()
      expect(await attachmentsOf('gone')).toBeUndefined()
    })
  })

  it('sends what was not acknowledged when it is opened again, even if it had arrived', async () => {
    const page = await openSignedIn()
    await page.route('**/api/messages', async route => {
      await route.fetch()
      await route.abort()
    })
    await send(page, 'cut off')
    await page.locator('.is-sending', { hasText: 'cut off' }).waitFor()
    await expect
      .poll(async () => (await instance.publishedMessages()).some(({ data }) => data.text === 'cut off'))
      .toBe(true)
    await page.unroute('**/api/messages')
    await page.reload()
    await answer(page, 'You said: cut off').waitFor()
    expect((await instance.publishedMessages()).filter(({ data }) => data.text === 'cut off')).toHaveLength(1)
    expect(await page.locator('.message').count()).toBe(2)
  })

  it('offers to change what was refused', async () => {
    const page = await openSignedIn()
    await page.route('**/api/messages', route =>
      route.fulfill({ status: 422, json: { error: { code: 'rejected', message: 'no such thing' } } }),
    )
    await send(page, 'refused')
    await page.getByText('no such thing').waitFor()
    await page.unroute('**/api/messages')
    await page.getByRole('button', { name: 'Try again' }).click()
    await answer(page, 'You said: refused').waitFor()
  })

  it('lists conversations and goes between them, by the browser’s history too', async () => {
    const page = await openSignedIn()
    await send(page, 'apples')
    await answer(page, 'apples').waitFor()
    await page.locator('#new').click()
    await send(page, 'pears')
    await answer(page, 'pears').waitFor()
    await page.locator('#conversations a', { hasText: 'You said: apples' }).first().click()
    await answer(page, 'apples').waitFor()
    expect(await page.locator('.message').count()).toBe(2)
    await page.goBack()
    await answer(page, 'pears').waitFor()
  })

  it('goes back to earlier messages', async () => {
    const page = await openSignedIn()
    await send(page, 'number 0')
    await answer(page, 'You said: number 0').waitFor()
    const conversation = new URL(page.url()).hash.slice(1)
    for (let index = 1; index < 30; index += 1) await send(page, `number ${index}`)
    await answer(page, 'You said: number 29').waitFor()
    await expect.poll(() => listRows(instance, conversation)).toHaveLength(60)
    await page.reload()
    await answer(page, 'You said: number 29').waitFor()
    await expect.poll(() => page.locator('.message').count()).toBe(50)
    await page.locator('#earlier').click()
    await expect.poll(() => page.locator('.message').count()).toBe(60)
    await page.locator('#earlier').waitFor({ state: 'hidden' })
  }, 30_000)

  it('is written with a keyboard: Enter sends, Shift and Enter begin a line', async () => {
    const page = await openSignedIn()
    await page.locator('#draft').focus()
    await page.keyboard.type('one')
    await page.keyboard.press('Shift+Enter')
    await page.keyboard.type('two')
    await page.keyboard.press('Enter')
    await expect.poll(() => page.locator('.message.user .body').textContent()).toBe('one\ntwo')
  })

  it('fits a phone of 320 pixels, in Chinese', async () => {
    const page = await openSignedIn({
      viewport: { width: 320, height: 560 },
      locale: 'zh-CN',
      hasTouch: true,
      isMobile: true,
    })
    await page.getByText('有什么可以帮您').waitFor()
    await send(page, `${'很长的一句话'.repeat(20)} ${'w'.repeat(200)}`)
    await answer(page, 'You said').waitFor()
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(320)
    const list = page.locator('#conversations a').first()
    expect(await list.isVisible()).toBe(false)
    await page.locator('#menu').tap()
    await list.waitFor()
    await page.locator('#veil').tap({ position: { x: 310, y: 200 } })
    await list.waitFor({ state: 'hidden' })
  })
})
