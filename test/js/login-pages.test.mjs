// The login pages in Chromium, as a person goes through them: sign-up, confirmation, a
// new passkey, sign-out, and sign-in by the passkey, by a code and by the password.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { CreateUserPoolClientCommand, CreateUserPoolDomainCommand } from '@aws-sdk/client-cognito-identity-provider';
import { Application } from './application.mjs';
import { startChromium, withAuthenticator } from './browser/page.mjs';
import { administrator, createPool, newestMessage, unique } from './cognate.mjs';

const password = 'Correct-horse-1';

describe('the login pages', () => {
  const admin = administrator();
  let browser, app, poolId;

  before(async () => {
    app = await Application.start();
    browser = await startChromium();
    poolId = await createPool(admin, {
      Policies: { SignInPolicy: { AllowedFirstAuthFactors: ['PASSWORD', 'EMAIL_OTP', 'WEB_AUTHN'] } },
      Schema: [{ Name: 'email', Required: true }],
    });
    const prefix = unique('shop');
    await admin.send(new CreateUserPoolDomainCommand({ UserPoolId: poolId, Domain: prefix, ManagedLoginVersion: 2 }));
    const { UserPoolClient } = await admin.send(
      new CreateUserPoolClientCommand({
        UserPoolId: poolId,
        ClientName: 'Shop',
        AllowedOAuthFlowsUserPoolClient: true,
        AllowedOAuthFlows: ['code'],
        AllowedOAuthScopes: ['openid', 'email'],
        CallbackURLs: [app.callback],
        LogoutURLs: [app.callback],
        SupportedIdentityProviders: ['COGNITO'],
        PreventUserExistenceErrors: 'ENABLED',
        ExplicitAuthFlows: ['ALLOW_USER_AUTH', 'ALLOW_REFRESH_TOKEN_AUTH'],
      }),
    );
    app.configure({ poolId, prefix, clientId: UserPoolClient.ClientId });
  });

  after(async () => {
    await browser?.close();
    await app?.close();
  });

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

    let verifier = await app.begin(page);
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
    const claims = await app.finish(page, verifier);
    assert.equal(claims.email, email);
    assert.equal((await authenticator.credentials()).length, 1);

    // The session answers by itself.
    verifier = await app.begin(page);
    await app.finish(page, verifier);

    // The browser offers the passkey before a name is typed.
    await app.signOut(page);
    verifier = await app.begin(page);
    assert.equal((await app.finish(page, verifier)).sub, claims.sub);

    await authenticator.answer(false);
    await app.signOut(page);
    verifier = await app.begin(page);
    await page.fill('[name=username]', username);
    await next(page);
    await page.waitForSelector('button[value=WEB_AUTHN]');
    await authenticator.answer(true);
    await page.click('button[value=WEB_AUTHN]');
    await next(page);
    assert.equal((await app.finish(page, verifier)).sub, claims.sub);

    await authenticator.answer(false);
    await app.signOut(page);
    verifier = await app.begin(page);
    await page.fill('[name=username]', username);
    await next(page);
    await page.click('button[value=EMAIL_OTP]');
    await page.waitForSelector('[name=authentication_code]');
    await page.fill('[name=authentication_code]', (await newestMessage(poolId, email)).code);
    await next(page);
    await app.finish(page, verifier);

    await app.signOut(page);
    verifier = await app.begin(page);
    await page.fill('[name=username]', username);
    await next(page);
    await page.click('button[value=PASSWORD]');
    await page.fill('[name=password]', 'wrong');
    await next(page);
    await page.getByRole('alert').getByText('Incorrect username or password.').waitFor();
    await page.fill('[name=password]', password);
    await next(page);
    await app.finish(page, verifier);
    assert.deepEqual(problems, []);
    await context.close();
  });

  test('an authenticator that does not answer, and one without the passkey', async () => {
    const context = await browser.newContext();
    const page = await context.newPage();
    await withAuthenticator({ context, page });
    await app.begin(page);
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
