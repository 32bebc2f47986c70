// A relying party built on openid-client and jose. It reads one JSON command a line from standard input, and answers
// each with one line: {"result": …} or {"error": {name, code, error, message}}. The browser's part is not played here.

import { createInterface } from 'node:readline'
import * as client from 'openid-client'
import * as jose from 'jose'

const now = {} // what this relying party remembers between commands: config, request, tokens, claims

const authentication = {
  client_secret_basic: ({ secret }) => client.ClientSecretBasic(secret),
  client_secret_post: ({ secret }) => client.ClientSecretPost(secret),
  client_secret_jwt: ({ secret }) => client.ClientSecretJwt(secret),
  private_key_jwt: async ({ jwk, alg }) => client.PrivateKeyJwt({ key: await signingKey(jwk, alg), kid: jwk.kid }),
  none: () => client.None(),
}

async function signingKey(jwk, alg) {
  const { kid: _kid, ...key } = jwk
  return jose.importJWK(key, alg)
}

function remember(tokens) {
  now.tokens = tokens
  now.claims = tokens.claims() ?? now.claims
  return { ...tokens, claims: now.claims ?? null }
}

const commands = {
  // `features`: dpop (ES256 or another alg), jwtResponse, codeIdToken, idToken, decrypt (a private JWK)
  async discover({ issuer, clientId, method, metadata = {}, features = {}, ...credentials }) {
    const proof = await authentication[method](credentials)
    const execute = [client.allowInsecureRequests] // http, because everything here is on localhost
    now.config = await client.discovery(new URL(issuer), clientId, metadata, proof, { execute })
    if (features.jwtResponse) client.useJwtResponseMode(now.config)
    if (features.codeIdToken) client.useCodeIdTokenResponseType(now.config)
    if (features.idToken) client.useIdTokenResponseType(now.config)
    if (!features.decrypt) client.enableNonRepudiationChecks(now.config) // verify the ID token's signature as well
    if (features.decrypt) {
      const { alg, kid, ...key } = features.decrypt
      client.enableDecryptingResponses(now.config, undefined, { key: await jose.importJWK(key, alg), alg, kid })
    }
    const dpop = features.dpop && client.getDPoPHandle(now.config, await client.randomDPoPKeyPair(features.dpop))
    now.options = dpop ? { DPoP: dpop } : {}
    return now.config.serverMetadata()
  },

  // the client registers itself (RFC 7591) and is ready for `begin`
  async register({ issuer, metadata, initialAccessToken }) {
    const execute = [client.allowInsecureRequests]
    const options = { initialAccessToken, execute }
    now.config = await client.dynamicClientRegistration(new URL(issuer), metadata, undefined, options)
    client.enableNonRepudiationChecks(now.config)
    now.options = {}
    return now.config.clientMetadata()
  },

  // `sign` is {jwk, alg} for a signed request; with `push` it goes over the back channel
  async begin({ parameters, push, sign }) {
    const verifier = client.randomPKCECodeVerifier()
    now.request = { verifier, state: client.randomState(), nonce: client.randomNonce() }
    let sent = {
      state: now.request.state,
      nonce: now.request.nonce,
      code_challenge: await client.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      ...parameters,
    }
    if (sign) {
      const key = { key: await signingKey(sign.jwk, sign.alg), kid: sign.jwk.kid }
      const signed = await client.buildAuthorizationUrlWithJAR(now.config, sent, key)
      if (!push) return { url: signed.href }
      sent = Object.fromEntries(signed.searchParams)
    }
    if (push) return { url: (await client.buildAuthorizationUrlWithPAR(now.config, sent, now.options)).href }
    return { url: client.buildAuthorizationUrl(now.config, sent).href }
  },

  // `form` is what a form_post page sent; without it the answer stands in the URL
  async finish({ url, form, maxAge }) {
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    const body = form && new URLSearchParams(form).toString()
    const answer = form ? new Request(url, { method: 'POST', headers, body }) : new URL(url)
    return remember(
      await client.authorizationCodeGrant(now.config, answer, {
        pkceCodeVerifier: now.request.verifier,
        expectedState: now.request.state,
        expectedNonce: now.request.nonce,
        idTokenExpected: true,
        maxAge: maxAge ?? undefined,
      }, undefined, now.options),
    )
  },

  // response_type=id_token: everything came with the answer
  async implicit({ url }) {
    return client.implicitAuthentication(now.config, new URL(url), now.request.nonce, { expectedState: now.request.state })
  },

  async device({ parameters }) {
    now.device = await client.initiateDeviceAuthorization(now.config, parameters)
    return now.device
  },
  pollDevice: async () => remember(await client.pollDeviceAuthorizationGrant(now.config, now.device, undefined, now.options)),

  async ciba({ parameters }) {
    now.ciba = await client.initiateBackchannelAuthentication(now.config, parameters)
    return now.ciba
  },
  pollCiba: async () => remember(await client.pollBackchannelAuthenticationGrant(now.config, now.ciba, undefined, now.options)),

  exchange: async ({ parameters }) => client.genericGrantRequest(
    now.config, 'urn:ietf:params:oauth:grant-type:token-exchange', { subject_token: now.tokens.access_token, ...parameters }, now.options,
  ),

  refresh: async () => remember(await client.refreshTokenGrant(now.config, now.tokens.refresh_token, undefined, now.options)),
  userinfo: async () => client.fetchUserInfo(now.config, now.tokens.access_token, now.claims.sub, now.options),
  introspect: async ({ which }) => client.tokenIntrospection(now.config, now.tokens[which]),
  revoke: async ({ which }) => (await client.tokenRevocation(now.config, now.tokens[which])) ?? null,
  machine: async ({ parameters = {} }) => client.clientCredentialsGrant(now.config, parameters, now.options),

  async endSession({ parameters }) {
    return { url: client.buildEndSessionUrl(now.config, { id_token_hint: now.tokens.id_token, ...parameters }).href }
  },

  // jose alone: both tokens against the published keys, as a relying party and as a resource server would
  async verify({ alg, audience }) {
    const { issuer, jwks_uri: uri } = now.config.serverMetadata()
    const keys = jose.createRemoteJWKSet(new URL(uri))
    const shared = { issuer, algorithms: [alg] }
    const own = { ...shared, audience: now.config.clientMetadata().client_id }
    const id = await jose.jwtVerify(now.tokens.id_token, keys, own)
    const access = await jose.jwtVerify(now.tokens.access_token, keys, { ...shared, audience, typ: 'at+jwt' })
    return { id: id.payload, access: access.payload, kid: id.protectedHeader.kid }
  },
}

for await (const line of createInterface({ input: process.stdin })) {
  const { command, ...options } = JSON.parse(line)
  let answer
  try {
    answer = { result: (await commands[command](options)) ?? null }
  } catch (fault) {
    const { name, code = null, error = null, message } = fault
    answer = { error: { name, code, error, message: `${message} ${fault.cause ? JSON.stringify(fault.cause) : ''}` } }
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`)
}
