/**
 * The files of messages that wait in the send queue, by the messages' keys. They are in the browser's database, and the
 * messages in its storage. Without a database (a private window), they last as long as the page is open.
 */

const DATABASE = 'lares'
const STORE = 'files'

/** @type {Map<string, File[]>} */
const filesInMemory = new Map()

/** @param {string} key @param {File[]} files */
export async function saveFiles(key, files) {
  filesInMemory.set(key, files)
  await withStore('readwrite', store => store.put(files, key))
}

/** Undefined when the files are gone. @param {string} key @returns {Promise<File[] | undefined>} */
export const loadFiles = async key =>
  filesInMemory.get(key) ?? (await withStore('readonly', store => store.get(key)))

/** @param {string} key */
export async function deleteFiles(key) {
  filesInMemory.delete(key)
  await withStore('readwrite', store => store.delete(key))
}

/** Converts files to the gateway's format. @param {File[]} files */
export const toAttachments = files =>
  Promise.all(
    files.map(async file => ({
      name: file.name,
      mediaType: file.type.split(';')[0] || mediaTypeOf(file.name),
      data: await base64Of(file),
    })),
  )

/** The media type of files for which browsers give none. @param {string} name */
const mediaTypeOf = name => (/\.(?:md|markdown)$/i.test(name) ? 'text/markdown' : 'application/octet-stream')

/** @param {File} file @returns {Promise<string>} */
const base64Of = file =>
  new Promise((resolve, reject) => {
    const reader = new FileReader()
    reader.onerror = () => reject(reader.error)
    reader.onload = () => resolve(String(reader.result).replace(/^[^,]*,?/, ''))
    reader.readAsDataURL(file)
  })

/** @type {Promise<IDBDatabase> | undefined} */
let database

/** @returns {Promise<IDBDatabase>} */
const openDatabase = () =>
  new Promise((resolve, reject) => {
    const request = indexedDB.open(DATABASE, 1)
    request.onupgradeneeded = () => request.result.createObjectStore(STORE)
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error)
  })

/**
 * @template T
 * @param {IDBTransactionMode} mode
 * @param {(store: IDBObjectStore) => IDBRequest<T>} act
 * @returns {Promise<T | undefined>}
 */
async function withStore(mode, act) {
  try {
    database ??= openDatabase()
    const transaction = (await database).transaction(STORE, mode)
    const request = act(transaction.objectStore(STORE))
    return await new Promise((resolve, reject) => {
      transaction.oncomplete = () => resolve(request.result)
      transaction.onabort = () => reject(transaction.error)
    })
  } catch (error) {
    console.warn('files cannot be kept in this browser', error)
    return undefined
  }
}
