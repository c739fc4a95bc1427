// Passport with passport-openidconnect, unmodified, in a small application: its
// redirects, its callback, and the profile that it reads from userInfo.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { Passport } from 'passport';
import { Strategy } from 'passport-openidconnect';
import { administrator } from './cognate.mjs';
import { Browser, createIssuer, createOAuthClient, createPerson } from './domain.mjs';

/** Keeps the sessions of the application in memory, and puts them into requests as Passport expects them. */
function sessions() {
  const kept = new Map();
  return (request, response) => {
    const use = (session) => {
      const regenerate = (done) => (create(), done());
      request.session = Object.assign(session, { regenerate, save: (done) => done() });
    };
    const create = () => {
      const id = randomUUID();
      response.setHeader('Set-Cookie', `app=${id}; Path=/; HttpOnly`);
      kept.set(id, {});
      use(kept.get(id));
    };
    const session = kept.get(request.headers.cookie?.match(/\bapp=([^;]+)/)?.[1]);
    if (session) use(session);
    else create();
  };
}

describe('passport-openidconnect', () => {
  const admin = administrator();
  const server = createServer();
  let origin, settings, username;

  before(async () => {
    await new Promise((listening) => server.listen(0, 'localhost', listening));
    origin = `http://localhost:${server.address().port}`;
    const { poolId, issuer } = await createIssuer(admin);
    const client = await createOAuthClient(admin, poolId, {
      AllowedOAuthScopes: ['openid', 'email', 'profile'],
      CallbackURLs: [`${origin}/callback`],
    });
    username = await createPerson(admin, poolId);
    const discovered = await (await fetch(`${issuer}/.well-known/openid-configuration`)).json();
    settings = {
      issuer,
      authorizationURL: discovered.authorization_endpoint,
      tokenURL: discovered.token_endpoint,
      userInfoURL: discovered.userinfo_endpoint,
      clientID: client.id,
      clientSecret: client.secret,
      callbackURL: `${origin}/callback`,
      scope: ['email', 'profile'],
      nonce: true,
    };
  });

  after(() => new Promise((closed) => {
    server.closeAllConnections();
    server.close(closed);
  }));

  /** Serves an application that signs in by Passport. Its page shows the user of the session, or an error. */
  function application(changes) {
    const passport = new Passport();
    passport.use(new Strategy({ ...settings, ...changes }, (issuer, profile, done) => done(null, { issuer, ...profile })));
    passport.serializeUser((user, done) => done(null, JSON.stringify(user)));
    passport.deserializeUser((text, done) => done(null, JSON.parse(text)));
    const open = sessions();
    const authenticate = passport.authenticate('openidconnect');
    server.removeAllListeners('request');
    server.on('request', (request, response) => {
      const url = new URL(request.url, origin);
      request.query = Object.fromEntries(url.searchParams);
      open(request, response);
      const show = (error) => {
        response.setHeader('Content-Type', 'application/json');
        response.end(JSON.stringify(error ? { error: error.code ?? error.message } : (request.user ?? null)));
      };
      passport.session()(request, response, (error) => {
        if (error || url.pathname === '/') show(error);
        else authenticate(request, response, show);
      });
    });
  }

  test('signs in and reads the profile', async () => {
    application();
    const browser = new Browser();
    const login = await browser.visit(`${origin}/login`);
    const page = await browser.signIn(login, username);
    assert.equal(page.url.pathname, '/callback');
    const user = await page.response.json();
    assert.equal(user.issuer, settings.issuer);
    assert.equal(user.displayName, 'Alice Example');
    assert.deepEqual(user.emails, [{ value: `${username}@example.com` }]);

    const again = await browser.visit(`${origin}/`);
    assert.equal((await again.response.json()).id, user.id, 'the application lost its session');
  });

  test('is refused with a wrong secret', async () => {
    application({ clientSecret: `${settings.clientSecret}x` });
    const browser = new Browser();
    const page = await browser.signIn(await browser.visit(`${origin}/login`), username);
    assert.deepEqual(await page.response.json(), { error: 'invalid_client' });
  });
});
