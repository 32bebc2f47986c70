// A website built on express-openid-connect. Its configuration comes as JSON in the first line of standard input;
// it says "listening" when it is, and ends when standard input does.

import { createInterface } from 'node:readline'
import express from 'express'
import openid from 'express-openid-connect'

const { auth, requiresAuth } = openid

class Store {
  #kept = new Map()
  get(id, done) { done(null, this.#kept.get(id)) }
  set(id, value, done) { this.#kept.set(id, value); done?.(null) }
  destroy(id, done) { this.#kept.delete(id); done?.(null) }
}

function start({ port, options }) {
  const app = express()
  app.set('trust proxy', false)
  if (options.pushedAuthorizationRequests === undefined) delete options.pushedAuthorizationRequests
  app.use(auth({
    authRequired: false,
    secret: 'a secret of this test alone, long enough for it',
    idpLogout: true,
    session: { store: new Store() },
    backchannelLogout: true,
    ...options,
  }))
  app.get('/members', requiresAuth(), async (request, response) => {
    const userinfo = await request.oidc.fetchUserInfo()
    response.type('html').send(`<!doctype html><html lang="en"><title>Members</title><h1>Members</h1>
      <p id="sub">${userinfo.sub}</p><p id="email">${userinfo.email}</p>`)
  })
  app.get('/who', (request, response) => response.json({ sub: request.oidc.user?.sub ?? null }))
  app.get('/renew', requiresAuth(), async (request, response) => {
    const before = request.oidc.accessToken.access_token
    const { access_token: after } = await request.oidc.accessToken.refresh()
    response.json({ changed: before !== after })
  })
  app.get('/', (request, response) => response.type('html').send('<!doctype html><title>Welcome</title><h1>Welcome</h1>'))
  app.use((fault, _request, response, _next) => response.status(500).json({ fault: fault.message }))
  app.listen(port, '127.0.0.1', () => process.stdout.write('listening\n'))
}

let started = false
for await (const line of createInterface({ input: process.stdin })) {
  if (!started) start(JSON.parse(line))
  started = true
}
process.exit(0)
