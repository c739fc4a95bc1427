// Amplify v6 in Chromium, unmodified: sign-in and sign-out by redirects to the domain.
// Amplify calls the domain by https alone: Chromium and Node.js trust the development
// server's own authority.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { InitiateAuthCommand } from '@aws-sdk/client-cognito-identity-provider';
import { JwtVerifier } from 'aws-jwt-verify';
import { launch } from './browser/page.mjs';
import { administrator, endpoint } from './cognate.mjs';
import { createIssuer, createOAuthClient, createPerson, password } from './domain.mjs';

describe('Amplify with the login pages', () => {
  const admin = administrator();
  const scopes = ['openid', 'email', 'aws.cognito.signin.user.admin'];
  let browser, username, config, issuer;

  before(async () => {
    browser = await launch('redirect.mjs');
    const made = await createIssuer(admin);
    issuer = made.issuer;
    const [signedIn, signedOut] = [`${browser.origin}/`, `${browser.origin}/signed-out`];
    const { id } = await createOAuthClient(admin, made.poolId, {
      GenerateSecret: false,
      AllowedOAuthScopes: scopes,
      CallbackURLs: [signedIn],
      LogoutURLs: [signedOut],
    });
    username = await createPerson(admin, made.poolId);
    const oauth = { domain: await domainOf(issuer), scopes, redirectSignIn: [signedIn], redirectSignOut: [signedOut], responseType: 'code' };
    config = { userPoolId: made.poolId, userPoolClientId: id, userPoolEndpoint: endpoint, loginWith: { oauth } };
  });

  after(() => browser?.close());

  /** The host of the pool's domain on the listener of --https, which answers there. */
  async function domainOf(issuer) {
    const { authorization_endpoint: authorize } = await (await fetch(`${issuer}/.well-known/openid-configuration`)).json();
    const prefix = authorize.match(/\/_domain\/([^/]+)\//)?.[1] ?? new URL(authorize).hostname.split('.')[0];
    const { port } = new URL(process.env.COGNATE_HTTPS_ENDPOINT);
    assert.equal((await fetch(process.env.COGNATE_HTTPS_ENDPOINT)).status < 500, true);
    return `${prefix}.auth.localhost:${port}`;
  }

  const home = (url) => url.href === `${browser.origin}/`;
  const loginPage = (url) => url.protocol === 'https:' && url.host === config.loginWith.oauth.domain && url.pathname === '/login';

  /** Starts a call that leaves the application, and waits for the address that it leads to. */
  async function leave({ page }, to, name, input) {
    await Promise.all([page.waitForURL(to), page.evaluate(([n, i]) => void window.call(n, i), [name, input])]);
  }

  const type = async ({ page }, secret) => {
    await page.fill('input[name=username]', username);
    await page.fill('input[name=password]', secret);
    await page.click('button[name=signInSubmitButton]');
  };

  /** Waits for an event of Amplify's Hub, and returns its detail. */
  async function event({ page }, name) {
    await page.waitForFunction((n) => window.events?.some((e) => e.event === n), name);
    return page.evaluate((n) => window.events.find((e) => e.event === n).detail, name);
  }

  /** An application in which the person has signed in. */
  async function signedIn(changes = {}) {
    const app = await browser.open({ ...config, ...changes });
    await leave(app, loginPage, 'signInWithRedirect', { customState: 'page 2' });
    await type(app, password);
    await app.page.waitForURL((url) => url.origin === browser.origin);
    await event(app, 'signedIn');
    return app;
  }

  const kept = ({ page }, suffix) => page.evaluate((s) => Object.entries(localStorage).find(([key]) => key.endsWith(s))?.[1], suffix);

  test('signs in, refreshes, and reads attributes', async () => {
    const app = await browser.open(config);
    await leave(app, loginPage, 'signInWithRedirect', { customState: 'page 2' });
    await type(app, `${password}x`);
    await app.page.getByRole('alert').getByText('Incorrect username or password.').waitFor();
    assert.ok(loginPage(new URL(app.page.url())));
    await type(app, password);
    await app.page.waitForURL((url) => url.origin === browser.origin);
    await event(app, 'signInWithRedirect');
    assert.equal(await event(app, 'customOAuthState'), 'page 2');
    assert.ok(home(new URL(app.page.url())), 'the code stays in the address');

    const tokens = await app.tokens();
    const verify = JwtVerifier.create({ issuer, audience: null, jwksUri: `${issuer}/.well-known/jwks.json` });
    verify.cacheJwks(await (await fetch(`${issuer}/.well-known/jwks.json`)).json());
    const [id, access] = [verify.verifySync(tokens.id), verify.verifySync(tokens.access)];
    assert.equal(id.aud, config.userPoolClientId);
    assert.equal(id.email, `${username}@example.com`);
    assert.equal(access.client_id, config.userPoolClientId);
    assert.deepEqual(access.scope.split(' ').toSorted(), scopes.toSorted());

    const renewed = await app.tokens({ forceRefresh: true });
    assert.notEqual(renewed.access, tokens.access);
    assert.equal(verify.verifySync(renewed.access).sub, id.sub);
    assert.equal(verify.verifySync(renewed.access).scope, access.scope);
    assert.equal((await app.call('fetchUserAttributes')).value.email, `${username}@example.com`);
    assert.equal((await app.call('getCurrentUser')).value.username, username);
  });

  test('is refused the attributes without the scope for them', async () => {
    const { oauth } = config.loginWith;
    const app = await signedIn({ loginWith: { oauth: { ...oauth, scopes: ['openid'] } } });
    const { error, message } = await app.call('fetchUserAttributes');
    assert.equal(error, 'NotAuthorizedException');
    assert.equal(message, 'Access Token does not have required scopes');
  });

  test('signs in again by the session of the browser, until signOut ends it', async () => {
    const app = await signedIn();
    await app.page.evaluate(() => localStorage.clear());
    await app.page.reload();
    await leave(app, home, 'signInWithRedirect');
    await event(app, 'signedIn');

    const refreshToken = await kept(app, '.refreshToken');
    await leave(app, (url) => url.pathname === '/signed-out', 'signOut');
    assert.equal(await app.tokens(), undefined);
    const refresh = admin.send(
      new InitiateAuthCommand({
        AuthFlow: 'REFRESH_TOKEN_AUTH',
        ClientId: config.userPoolClientId,
        AuthParameters: { REFRESH_TOKEN: refreshToken },
      }),
    );
    await assert.rejects(refresh, { name: 'NotAuthorizedException', message: 'Refresh Token has been revoked' });
    await leave(app, loginPage, 'signInWithRedirect');
  });

  for (const [name, scope, input, detail] of [
    ['a scope that the client does not have', ['openid', 'phone'], undefined, 'invalid_scope'],
    ['a sign-in without pages and without a session', scopes, { options: { prompt: 'NONE' } }, 'login_required'],
  ]) {
    test(`is told of ${name}`, async () => {
      const app = await browser.open({ ...config, loginWith: { oauth: { ...config.loginWith.oauth, scopes: scope } } });
      await leave(app, (url) => url.searchParams.has('error'), 'signInWithRedirect', input);
      assert.match(await event(app, 'signInWithRedirect_failure'), new RegExp(detail));
      assert.equal((await app.call('getCurrentUser')).error, 'UserUnAuthenticatedException');
    });
  }
});
