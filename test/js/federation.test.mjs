// Sign-in at Dex and at oidc-provider, unmodified, in Chromium: by the buttons of the login page,
// again after a sign-out, and as a user whom an administrator linked to the person.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { AdminLinkProviderForUserCommand } from '@aws-sdk/client-cognito-identity-provider';
import { Application } from './application.mjs';
import { startChromium } from './browser/page.mjs';
import { administrator, unique } from './cognate.mjs';
import { createPerson } from './domain.mjs';
import { assertIdentity, assertProfile, createFederatedClient, createProvider, createSite, openPage, prefix, settings } from './federation.mjs';

/** Presses a provider's button. */
const choose = (page, name) => page.getByRole('link', { name: `Continue with ${name}` }).click();

describe('providers of OpenID Connect', () => {
  const admin = administrator();
  let browser, app, poolId;

  before(async () => {
    app = await Application.start();
    browser = await startChromium();
    poolId = await createSite(admin);
    const details = (issuer) => ({
      client_id: settings.clientId, client_secret: settings.secret, authorize_scopes: 'openid email profile',
      oidc_issuer: issuer, attributes_request_method: 'GET',
    });
    const mapping = { email: 'email', email_verified: 'email_verified', name: 'name' };
    await createProvider(admin, poolId, 'Dex', 'OIDC', details(settings.dex), mapping);
    await createProvider(admin, poolId, 'Node', 'OIDC', details(settings.node), { ...mapping, profile: 'groups' });
    await createFederatedClient(admin, app, poolId, prefix, 'COGNITO', 'Dex', 'Node');
  });

  after(async () => {
    await browser?.close();
    await app?.close();
  });

  async function signInAtDex(page) {
    await page.fill('[name=login]', settings.email);
    await page.fill('[name=password]', settings.password);
    await page.click('button[type=submit]');
  }

  async function signInAtNode(page, login) {
    await page.fill('[name=login]', login);
    await page.fill('[name=password]', 'any');
    await page.click('button[type=submit]');
    await page.getByRole('button', { name: 'Continue' }).click(); // consent
  }

  test('Dex', async () => {
    const page = await openPage(browser);
    let verifier = await app.begin(page);
    await choose(page, 'Dex');
    await signInAtDex(page);
    const claims = await app.finish(page, verifier);
    // Dex's subjects are the person and the connector, in Base64.
    const subject = 'CiQwOGE4Njg0Yi1kYjg4LTRiNzMtOTBhOS0zY2QxNjYxZjU0NjYSBWxvY2Fs';
    assertProfile(claims, poolId, { name: 'Dex', type: 'OIDC', subject });
    assert.deepEqual([claims.email, claims.email_verified, claims.name], [settings.email, true, 'Ann Lee']);

    // The session answers by itself, and after a sign-out Dex asks again.
    verifier = await app.begin(page);
    assert.equal((await app.finish(page, verifier)).sub, claims.sub);
    await app.signOut(page);
    verifier = await app.begin(page);
    await choose(page, 'Dex');
    await signInAtDex(page);
    assert.equal((await app.finish(page, verifier)).sub, claims.sub);
    await page.context().close();
  });

  test('oidc-provider', async () => {
    const page = await openPage(browser);
    const login = `${unique('bea')}@example.com`;
    let verifier = await app.begin(page);
    await choose(page, 'Node');
    await signInAtNode(page, login);
    const claims = await app.finish(page, verifier);
    assertProfile(claims, poolId, { name: 'Node', type: 'OIDC', subject: login });
    assert.deepEqual([claims.email, claims.email_verified, claims.profile], [login, true, '[a+b,c]']);

    // The provider's own session answers after a sign-out. The application may name the provider.
    await app.signOut(page);
    verifier = await app.begin(page, { identity_provider: 'Node' });
    assert.equal((await app.finish(page, verifier)).sub, claims.sub);
    await page.context().close();
  });

  test('a person who ends the sign-in at the provider', async () => {
    const page = await openPage(browser);
    await app.begin(page);
    await choose(page, 'Node');
    await page.getByText('Cancel').click();
    await page.waitForURL((url) => url.href.startsWith(app.callback));
    const answer = new URL(page.url()).searchParams;
    assert.deepEqual([answer.get('error'), answer.get('state')], ['access_denied', 'state']);
    await page.context().close();
  });

  test('a linked user', async () => {
    const page = await openPage(browser);
    const username = await createPerson(admin, poolId);
    const subject = `${unique('cara')}@example.com`;
    await admin.send(
      new AdminLinkProviderForUserCommand({
        UserPoolId: poolId,
        DestinationUser: { ProviderName: 'Cognito', ProviderAttributeValue: username },
        SourceUser: { ProviderName: 'Node', ProviderAttributeName: 'Cognito_Subject', ProviderAttributeValue: subject },
      }),
    );
    const verifier = await app.begin(page);
    await choose(page, 'Node');
    await signInAtNode(page, subject);
    const claims = await app.finish(page, verifier);
    assert.equal(claims['cognito:username'], username);
    assert.equal(claims['cognito:groups'], undefined);
    assertIdentity(claims, { name: 'Node', type: 'OIDC', subject, primary: 'false' });
    await page.context().close();
  });
});
