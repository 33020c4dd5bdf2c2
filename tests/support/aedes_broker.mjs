// An aedes over TLS. argv[2] is a JSON file: host, port, certfile, keyfile, and maybe clientCaFile, tlsVersion, users.
// Writes a line per event to standard output.

import { readFileSync } from 'node:fs'
import { createServer } from 'node:tls'
import { Aedes } from 'aedes'

const settings = JSON.parse(readFileSync(process.argv[2], 'utf8'))
const say = (...words) => process.stdout.write(`${words.join(' ')}\n`)

function authenticate(client, name, password, answer) {
  const accepted = !settings.users || settings.users[name] === String(password)
  answer(accepted ? null : Object.assign(new Error('wrong password'), { returnCode: 4 }), accepted)
}

const broker = await Aedes.createBroker({ authenticate })
broker.on('clientReady', (client) => say('connected', client.id))
broker.on('subscribe', (subscriptions, client) => say('subscribed', client.id))
broker.on('clientError', (client, error) => say('error: client', client.id, error.message))
broker.on('connectionError', (client, error) => say('error: connection', error.message))
broker.on('clientDisconnect', async (client) => {
  const { subsCount, clientsCount } = await broker.persistence.countOffline()
  say('gone', client.id, `clients=${broker.connectedClients} subscriptions=${subsCount} sessions=${clientsCount}`)
})

const server = createServer(
  {
    cert: readFileSync(settings.certfile),
    key: readFileSync(settings.keyfile),
    minVersion: settings.tlsVersion,
    maxVersion: settings.tlsVersion,
    ...(settings.clientCaFile && {
      ca: readFileSync(settings.clientCaFile),
      requestCert: true,
      rejectUnauthorized: true,
    }),
  },
  broker.handle,
)
server.on('tlsClientError', (error) => say('error: tls', error.code, error.message.trim()))
server.listen(settings.port, settings.host, () => say('listening'))
