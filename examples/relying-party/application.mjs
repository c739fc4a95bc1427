// A web application of one page: it sends people to the login pages, and shows who came
// back. openid-client speaks the protocol; aws-jwt-verify checks the ID token once more,
// as an API behind the application would.

import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { JwtRsaVerifier } from 'aws-jwt-verify';
import { SimpleJwksCache } from 'aws-jwt-verify/jwk';
import * as oidc from 'openid-client';

const escape = (text) => String(text).replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);

const html = (body) => `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Example shop</title><style>
body { max-width: 40rem; margin: 4rem auto; padding: 0 1rem; font: 16px/1.5 system-ui, sans-serif; color: #414d5c }
h1 { color: #000716 } a { display: inline-block; margin-right: 1rem; color: #0972d3 }
pre { padding: 1rem; overflow: auto; border-radius: 8px; background: #f6f7f9 }
</style>${body}</html>`;

/** Starts the application and returns its server. */
export async function startApplication({ issuer, pages, clientId, clientSecret, port }) {
  const config = await discover(issuer, pages, clientId, clientSecret);
  const verifier = JwtRsaVerifier.create({ issuer, audience: clientId, jwksUri: `${issuer}/.well-known/jwks.json` }, { jwksCache: overHTTP() });
  const sessions = new Map(); // by the value of the cookie
  const home = `http://localhost:${port}`;

  /** Sends the browser to the login pages, or to another of their pages. */
  async function signIn(session, path) {
    session.checks = { pkceCodeVerifier: oidc.randomPKCECodeVerifier(), expectedState: oidc.randomState(), expectedNonce: oidc.randomNonce() };
    const url = oidc.buildAuthorizationUrl(config, {
      redirect_uri: `${home}/callback`,
      scope: 'openid email',
      state: session.checks.expectedState,
      nonce: session.checks.expectedNonce,
      code_challenge: await oidc.calculatePKCECodeChallenge(session.checks.pkceCodeVerifier),
      code_challenge_method: 'S256',
    });
    return path ? new URL(path + url.search, pages) : url;
  }

  const routes = {
    async '/'(session) {
      if (!session.claims) return html('<h1>Example shop</h1><p>You are not signed in.</p><a href="/signin">Sign in</a>');
      return html(`<h1>Hello ${escape(session.claims.email)}</h1><p>aws-jwt-verify accepts your ID token:</p>
<pre>${escape(JSON.stringify(session.claims, null, 2))}</pre><a href="/passkey">Add a passkey</a><a href="/signout">Sign out</a>`);
    },
    '/signin': (session) => signIn(session),
    '/passkey': (session) => signIn(session, '/passkeys/add'),
    async '/callback'(session, url) {
      const tokens = await oidc.authorizationCodeGrant(config, url, session.checks);
      session.claims = await verifier.verify(tokens.id_token);
      return new URL('/', home);
    },
    async '/signout'(session) {
      delete session.claims;
      return new URL(`${pages}/logout?${new URLSearchParams({ client_id: clientId, logout_uri: `${home}/` })}`);
    },
  };

  const server = createServer(async (request, response) => {
    const url = new URL(request.url, home);
    let id = /(?:^|; )session=([\w-]+)/.exec(request.headers.cookie ?? '')?.[1];
    if (!sessions.has(id)) {
      id = randomBytes(24).toString('base64url');
      sessions.set(id, {});
      response.setHeader('Set-Cookie', `session=${id}; HttpOnly; SameSite=Lax; Path=/`);
    }
    const route = routes[url.pathname];
    try {
      const answer = await route?.(sessions.get(id), url);
      if (answer instanceof URL) response.writeHead(302, { Location: answer.href }).end();
      else response.writeHead(route ? 200 : 404, { 'Content-Type': 'text/html; charset=utf-8' }).end(answer);
    } catch (error) {
      response.writeHead(400, { 'Content-Type': 'text/html; charset=utf-8' });
      response.end(html(`<h1>Sign-in failed</h1><p>${escape(error.message)}</p><a href="/signin">Try again</a>`));
    }
  });
  await new Promise((listening) => server.listen(port, 'localhost', listening));
  return server;
}

/** Reads the issuer's metadata. Browsers use the pages on the domain's own host, where passkeys work. */
async function discover(issuer, pages, clientId, clientSecret) {
  const found = await oidc.discovery(new URL(issuer), clientId, clientSecret, undefined, { execute: [oidc.allowInsecureRequests] });
  const config = new oidc.Configuration({ ...found.serverMetadata(), authorization_endpoint: `${pages}/oauth2/authorize` }, clientId, clientSecret);
  oidc.allowInsecureRequests(config);
  return config;
}

/** aws-jwt-verify fetches keys by https alone; a development server speaks http. */
function overHTTP() {
  return new SimpleJwksCache({ fetcher: { fetch: async (uri) => (await fetch(uri)).arrayBuffer() } });
}
