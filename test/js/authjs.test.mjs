// Auth.js with its own Cognito provider, unmodified: sign-in, callback, session.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { before, describe, test } from 'node:test';
import { Auth } from '@auth/core';
import Cognito from '@auth/core/providers/cognito';
import { administrator } from './cognate.mjs';
import { Browser, createIssuer, createOAuthClient, createPerson } from './domain.mjs';

const origin = 'https://app.example.com';

describe('Auth.js', () => {
  const admin = administrator();
  let issuer, client, username;

  before(async () => {
    const made = await createIssuer(admin);
    issuer = made.issuer;
    client = await createOAuthClient(admin, made.poolId, {
      AllowedOAuthScopes: ['openid', 'email', 'profile'],
      CallbackURLs: [`${origin}/auth/callback/cognito`],
    });
    username = await createPerson(admin, made.poolId);
  });

  /** An application and a browser at its sign-in. The errors of Auth.js go to a list. */
  async function open(clientSecret) {
    const errors = [];
    const config = {
      basePath: '/auth',
      secret: randomBytes(32).toString('base64'),
      trustHost: true,
      logger: { error: (error) => errors.push(error) },
      providers: [Cognito({ clientId: client.id, clientSecret, issuer, checks: ['pkce', 'state', 'nonce'] })],
    };
    const serve = (request) => (new URL(request.url).pathname === '/' ? new Response('home') : Auth(request, config));
    const browser = new Browser({ [origin]: serve });
    const get = async (path) => (await browser.visit(`${origin}/auth/${path}`)).response.json();
    const post = async (path) =>
      browser.visit(`${origin}/auth/${path}`, {
        method: 'POST',
        body: new URLSearchParams({ csrfToken: (await get('csrf')).csrfToken, callbackUrl: `${origin}/` }),
      });
    return { browser, errors, get, post, login: await post('signin/cognito') };
  }

  test('signs in, shows the session and signs out', async () => {
    const { browser, errors, get, post, login } = await open(client.secret);
    const home = await browser.signIn(login, username);
    assert.deepEqual(errors, []);
    assert.equal(home.url.href, `${origin}/`);
    const { user } = await get('session');
    assert.deepEqual([user.name, user.email], ['Alice Example', `${username}@example.com`]);

    await post('signout');
    assert.equal(await get('session'), null);
  });

  test('is refused with a wrong secret', async () => {
    const { browser, errors, get, login } = await open(`${client.secret}x`);
    const page = await browser.signIn(login, username);
    assert.equal(page.url.pathname, '/auth/error');
    assert.equal(errors[0].cause.err.error, 'invalid_client');
    assert.equal(await get('session'), null);
  });
});
