// An application that signs people in by the login pages, in a browser.

import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { JwtVerifier } from 'aws-jwt-verify';
import { endpoint } from './cognate.mjs';

export class Application {
  #server;

  /** Listens on this machine's own name, where passkeys need no TLS. */
  static async start() {
    const application = new Application();
    application.#server = createServer((_, response) => response.end('signed in'));
    await new Promise((listening) => application.#server.listen(0, 'localhost', listening));
    application.callback = `http://localhost:${application.#server.address().port}/callback`;
    return application;
  }

  async close() {
    this.#server.closeAllConnections();
    await new Promise((closed) => this.#server.close(closed));
  }

  /** Tells the application of its pool, the prefix of its domain, its app client and the scopes to ask for. */
  configure({ poolId, prefix, clientId, scope = 'openid email' }) {
    Object.assign(this, { poolId, prefix, clientId, scope });
    this.domain = `http://${prefix}.auth.localhost:${new URL(endpoint).port}`;
  }

  /** Opens the authorization endpoint. Returns the verifier of the code. */
  async begin(page, more = {}) {
    const verifier = randomBytes(32).toString('base64url');
    const query = new URLSearchParams({
      client_id: this.clientId,
      response_type: 'code',
      scope: this.scope,
      redirect_uri: this.callback,
      state: 'state',
      code_challenge: createHash('sha256').update(verifier).digest('base64url'),
      code_challenge_method: 'S256',
      ...more,
    });
    await page.goto(`${this.domain}/oauth2/authorize?${query}`);
    return verifier;
  }

  /** Takes the code from the application's address to an ID token that a verifier accepts. Returns its claims. */
  async finish(page, verifier) {
    await page.waitForURL((url) => url.href.startsWith(this.callback));
    const url = new URL(page.url());
    assert.equal(url.searchParams.get('error_description') ?? url.searchParams.get('error'), null);
    assert.equal(url.searchParams.get('state'), 'state');
    const form = { grant_type: 'authorization_code', client_id: this.clientId, redirect_uri: this.callback, code: url.searchParams.get('code') };
    if (verifier) form.code_verifier = verifier;
    const response = await fetch(`${endpoint}/_domain/${this.prefix}/oauth2/token`, { method: 'POST', body: new URLSearchParams(form) });
    assert.equal(response.status, 200);
    const tokens = await response.json();
    const issuer = `${endpoint}/${this.poolId}`;
    const jwksUri = `${issuer}/.well-known/jwks.json`;
    const verify = JwtVerifier.create({ issuer, audience: this.clientId, jwksUri });
    verify.cacheJwks(await (await fetch(jwksUri)).json());
    return verify.verifySync(tokens.id_token);
  }

  async signOut(page) {
    await page.goto(`${this.domain}/logout?${new URLSearchParams({ client_id: this.clientId, logout_uri: this.callback })}`);
    await page.waitForURL(this.callback);
  }
}
