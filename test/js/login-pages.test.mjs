// The login pages in Chromium, as a person goes through them: sign-up, confirmation, a
// new passkey, sign-out, and sign-in by the passkey, by a code and by the password.

import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { CreateUserPoolClientCommand, CreateUserPoolDomainCommand } from '@aws-sdk/client-cognito-identity-provider';
import { JwtVerifier } from 'aws-jwt-verify';
import { startChromium, withAuthenticator } from './browser/page.mjs';
import { administrator, createPool, endpoint, newestMessage, unique } from './cognate.mjs';

const password = 'Correct-horse-1';

describe('the login pages', () => {
  const admin = administrator();
  let browser, app, callback, domain, clientId, poolId;

  before(async () => {
    app = createServer((_, response) => response.end('signed in'));
    await new Promise((listening) => app.listen(0, 'localhost', listening));
    callback = `http://localhost:${app.address().port}/callback`;
    browser = await startChromium();
    poolId = await createPool(admin, {
      Policies: { SignInPolicy: { AllowedFirstAuthFactors: ['PASSWORD', 'EMAIL_OTP', 'WEB_AUTHN'] } },
      Schema: [{ Name: 'email', Required: true }],
    });
    const prefix = unique('shop');
    await admin.send(new CreateUserPoolDomainCommand({ UserPoolId: poolId, Domain: prefix, ManagedLoginVersion: 2 }));
    domain = `http://${prefix}.auth.localhost:${new URL(endpoint).port}`;
    const { UserPoolClient } = await admin.send(
      new CreateUserPoolClientCommand({
        UserPoolId: poolId,
        ClientName: 'Shop',
        AllowedOAuthFlowsUserPoolClient: true,
        AllowedOAuthFlows: ['code'],
        AllowedOAuthScopes: ['openid', 'email'],
        CallbackURLs: [callback],
        LogoutURLs: [callback],
        SupportedIdentityProviders: ['COGNITO'],
        PreventUserExistenceErrors: 'ENABLED',
        ExplicitAuthFlows: ['ALLOW_USER_AUTH', 'ALLOW_REFRESH_TOKEN_AUTH'],
      }),
    );
    clientId = UserPoolClient.ClientId;
  });

  after(async () => {
    await browser?.close();
    app.closeAllConnections();
    await new Promise((closed) => app.close(closed));
  });

  /** Opens the authorization endpoint as an application does. */
  async function begin(page) {
    const verifier = randomBytes(32).toString('base64url');
    const query = new URLSearchParams({
      client_id: clientId,
      response_type: 'code',
      scope: 'openid email',
      redirect_uri: callback,
      state: 'state',
      code_challenge: createHash('sha256').update(verifier).digest('base64url'),
      code_challenge_method: 'S256',
    });
    await page.goto(`${domain}/oauth2/authorize?${query}`);
    return verifier;
  }

  /** Takes the code from the application's address to tokens that a verifier accepts. */
  async function finish(page, verifier) {
    await page.waitForURL((url) => url.href.startsWith(callback));
    const url = new URL(page.url());
    assert.equal(url.searchParams.get('state'), 'state');
    const response = await fetch(`${endpoint}/_domain/${new URL(domain).hostname.split('.')[0]}/oauth2/token`, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'authorization_code', client_id: clientId, redirect_uri: callback, code: url.searchParams.get('code'), code_verifier: verifier,
      }),
    });
    assert.equal(response.status, 200);
    const tokens = await response.json();
    const verify = JwtVerifier.create({ issuer: `${endpoint}/${poolId}`, audience: clientId, jwksUri: `${endpoint}/${poolId}/.well-known/jwks.json` });
    verify.cacheJwks(await (await fetch(`${endpoint}/${poolId}/.well-known/jwks.json`)).json());
    return verify.verifySync(tokens.id_token);
  }

  async function signOut(page) {
    await page.goto(`${domain}/logout?${new URLSearchParams({ client_id: clientId, logout_uri: callback })}`);
    await page.waitForURL(callback);
  }

  const next = (page) => page.click('button.primary');

  test('sign-up, a passkey, and each way to sign in', async () => {
    const context = await browser.newContext();
    const page = await context.newPage();
    const problems = [];
    page.on('pageerror', (error) => problems.push(error.message));
    page.on('console', (message) => message.type() === 'error' && problems.push(message.text()));
    const authenticator = await withAuthenticator({ context, page });
    const username = unique('alice');
    const email = `${username}@example.com`;

    let verifier = await begin(page);
    await page.click('text=Create an account');
    await page.fill('[name=username]', username);
    await page.fill('[name="requiredAttributes[email]"]', email);
    await page.fill('[name=password]', password);
    assert.equal(await page.locator('[data-rules] .met').count(), await page.locator('[data-rules] li').count());
    await page.fill('[name=confirm_password]', password);
    await next(page);
    await page.waitForSelector('[name=code]');
    await page.fill('[name=code]', (await newestMessage(poolId, email)).code);
    await next(page);
    await page.waitForURL(/passkeys\/add/);
    await next(page);
    const claims = await finish(page, verifier);
    assert.equal(claims.email, email);
    assert.equal((await authenticator.credentials()).length, 1);

    // The session answers by itself.
    verifier = await begin(page);
    await finish(page, verifier);

    // The browser offers the passkey before a name is typed.
    await signOut(page);
    verifier = await begin(page);
    assert.equal((await finish(page, verifier)).sub, claims.sub);

    await authenticator.answer(false);
    await signOut(page);
    verifier = await begin(page);
    await page.fill('[name=username]', username);
    await next(page);
    await page.waitForSelector('button[value=WEB_AUTHN]');
    await authenticator.answer(true);
    await page.click('button[value=WEB_AUTHN]');
    await next(page);
    assert.equal((await finish(page, verifier)).sub, claims.sub);

    await authenticator.answer(false);
    await signOut(page);
    verifier = await begin(page);
    await page.fill('[name=username]', username);
    await next(page);
    await page.click('button[value=EMAIL_OTP]');
    await page.waitForSelector('[name=authentication_code]');
    await page.fill('[name=authentication_code]', (await newestMessage(poolId, email)).code);
    await next(page);
    await finish(page, verifier);

    await signOut(page);
    verifier = await begin(page);
    await page.fill('[name=username]', username);
    await next(page);
    await page.click('button[value=PASSWORD]');
    await page.fill('[name=password]', 'wrong');
    await next(page);
    await page.getByRole('alert').getByText('Incorrect username or password.').waitFor();
    await page.fill('[name=password]', password);
    await next(page);
    await finish(page, verifier);
    assert.deepEqual(problems, []);
    await context.close();
  });

  test('an authenticator that does not answer, and one without the passkey', async () => {
    const context = await browser.newContext();
    const page = await context.newPage();
    await withAuthenticator({ context, page });
    await begin(page);
    await page.fill('[name=username]', unique('ghost'));
    await next(page);
    await page.click('button[value=WEB_AUTHN]');
    await next(page);
    await page.getByRole('alert').getByText('The passkey was not used.').waitFor();
    await page.click('text=Try another way');
    await page.getByText('Choose how to sign in').waitFor();
    await context.close();
  });
});
