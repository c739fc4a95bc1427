// oidc-client-ts in Chromium, unmodified: a single-page application that signs
// in by redirects, and calls the other endpoints from another origin.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { launch } from './browser/page.mjs';
import { administrator } from './cognate.mjs';
import { createIssuer, createOAuthClient, createPerson, password } from './domain.mjs';

describe('oidc-client-ts in a browser', () => {
  const admin = administrator();
  let browser, settings, domain, username;

  before(async () => {
    browser = await launch('oidc.mjs');
    const { poolId, issuer } = await createIssuer(admin);
    const callback = `${browser.origin}/callback`;
    const { id } = await createOAuthClient(admin, poolId, {
      GenerateSecret: false,
      AllowedOAuthScopes: ['openid', 'email', 'phone'],
      CallbackURLs: [callback],
      LogoutURLs: [`${browser.origin}/signed-out`],
    });
    username = await createPerson(admin, poolId);
    settings = {
      authority: issuer,
      client_id: id,
      redirect_uri: callback,
      post_logout_redirect_uri: `${browser.origin}/signed-out`,
      response_type: 'code',
      scope: 'email openid phone',
      loadUserInfo: true,
      silentRequestTimeoutInSeconds: 600, // A busy machine is slow.
    };
    const discovered = await (await fetch(`${issuer}/.well-known/openid-configuration`)).json();
    domain = discovered.end_session_endpoint.replace(/\/logout$/, '');
  });

  after(() => browser?.close());

  /** Leaves the application by a function of the library, and waits for the page that it leads to. */
  async function leave({ page }, name, to) {
    await Promise.all([page.waitForURL(to), page.evaluate((n) => void window.call(n), name)]);
  }

  const loginPage = (url) => url.pathname.endsWith('/login');
  const at = (path) => (url) => url.origin === browser.origin && url.pathname === path;

  /** An application whose sign-in has come back to its callback. */
  async function atCallback() {
    const app = await browser.open(settings);
    await leave(app, 'signinRedirect', loginPage);
    await app.page.fill('input[name=username]', username);
    await app.page.fill('input[name=password]', password);
    await Promise.all([app.page.waitForURL(at('/callback')), app.page.click('button[name=signInSubmitButton]')]);
    return app;
  }

  /** An application in which the person has signed in, and the user that the library returned. */
  async function signedIn() {
    const app = await atCallback();
    const { value: user, error } = await app.call('signinRedirectCallback');
    assert.equal(error, undefined);
    await app.page.goto(browser.origin);
    return { app, user };
  }

  test('signs in, reads userInfo, refreshes and revokes', async () => {
    const { app, user } = await signedIn();
    assert.equal(user.profile.email, `${username}@example.com`);
    assert.equal(user.profile.username, username, 'userInfo was not read');

    const { value: renewed } = await app.call('signinSilent');
    assert.notEqual(renewed.access_token, user.access_token);
    assert.equal(renewed.profile.sub, user.profile.sub);

    // Cognito revokes refresh tokens only. Applications name that type to the library.
    const { page } = app;
    const revoke = (type) => page.evaluate((t) => window.call('revokeTokens', [t]), type);
    assert.deepEqual(await revoke('access_token'), { error: 'unsupported_token_type' });
    assert.deepEqual(await revoke('refresh_token'), { value: null });
    const answer = await page.evaluate(
      async ([url, token]) => {
        const response = await fetch(url, { headers: { Authorization: `Bearer ${token}` } });
        return { status: response.status, challenge: response.headers.get('WWW-Authenticate') };
      },
      [`${domain}/oauth2/userInfo`, renewed.access_token],
    );
    assert.equal(answer.status, 401);
    assert.match(answer.challenge, /error="invalid_token"/);
  });

  test('is refused a code that was used', async () => {
    const app = await atCallback();
    const state = await app.page.evaluate(() => Object.entries(localStorage));
    assert.equal((await app.call('signinRedirectCallback')).error, undefined);
    await app.page.evaluate((entries) => entries.forEach(([key, value]) => localStorage.setItem(key, value)), state);
    assert.deepEqual(await app.call('signinRedirectCallback'), { error: 'invalid_grant' });
  });

  test('signs in again by its session, until it signs out as in the quick start', async () => {
    const { app } = await signedIn();
    await leave(app, 'signinRedirect', at('/callback'));
    assert.equal((await app.call('signinRedirectCallback')).error, undefined);

    const { page } = app;
    const query = `client_id=${settings.client_id}&logout_uri=${encodeURIComponent(`${browser.origin}/signed-out`)}`;
    await Promise.all([
      page.waitForURL(at('/signed-out')),
      page.evaluate((url) => { window.location.href = url; }, `${domain}/logout?${query}`),
    ]);
    await leave(app, 'signinRedirect', loginPage);
  });

  test('signs out by end_session_endpoint', async () => {
    const { app } = await signedIn();
    await leave(app, 'signoutRedirect', at('/signed-out'));
    await leave(app, 'signinRedirect', loginPage);
  });
});
