// Opens every store of LARES_HOME as a start does, and closes them.
import { openStores } from './filled-stores.ts'

const drivers = openStores(process.env)
await drivers.bus()
await Promise.all([drivers.store(), drivers.vectors(), drivers.objects()])
await drivers.close()
