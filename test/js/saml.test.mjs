// Sign-in at SAML providers in Chromium: at Debian's SimpleSAMLphp, unmodified, with single
// logout, from the provider's side, and by encrypted assertions; and at a provider by samlify.

import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Application } from './application.mjs';
import { startChromium } from './browser/page.mjs';
import { administrator, endpoint } from './cognate.mjs';
import { assertProfile, createFederatedClient, createProvider, createSite, openPage, prefix, settings } from './federation.mjs';
import { SamlifyProvider } from './samlify-provider.mjs';

const mapping = { email: 'mail', name: 'cn', profile: 'groups' };

/** Returns the pool's metadata for a provider, at the domain's own address. */
async function metadataOf({ prefix, domain }, name) {
  const site = `${endpoint}/_domain/${prefix}`;
  const response = await fetch(`${site}/saml2/metadata?identity_provider=${name}`);
  assert.equal(response.status, 200);
  return (await response.text()).replaceAll(site, domain);
}

describe('SimpleSAMLphp', () => {
  const admin = administrator();
  let browser, app, poolId;

  before(async () => {
    app = await Application.start();
    browser = await startChromium();
    poolId = await createSite(admin);
    // Both verify the signature of requests, as the pool's metadata promises one.
    const details = (address, more) => ({ MetadataURL: `${address}/saml2/idp/metadata.php`, RequestSigningAlgorithm: 'rsa-sha256', ...more });
    await createProvider(admin, poolId, 'Plain', 'SAML', details(settings.plain, { IDPSignout: 'true', IDPInit: 'true' }), mapping);
    await createProvider(admin, poolId, 'Encrypting', 'SAML', details(settings.encrypting, { EncryptedResponses: 'true' }), mapping);
    await createFederatedClient(admin, app, poolId, prefix, 'Plain', 'Encrypting');
    await writeFile(join(settings.folder, 'sp', 'pool.xml'), await metadataOf(app, 'Encrypting'));
  });

  after(async () => {
    await browser?.close();
    await app?.close();
  });

  async function signInThere(page) {
    await page.fill('[name=username]', 'ann');
    await page.fill('[name=password]', 'password');
    await page.click('#submit_button');
  }

  function assertAnn(claims, name, issuer) {
    assertProfile(claims, poolId, { name, type: 'SAML', subject: 'ann', issuer });
    assert.deepEqual([claims.email, claims.name, claims.profile], ['ann@example.com', 'Ann Lee', '[a+b,c]']);
  }

  test('sign-in, and sign-out at both places', async () => {
    const page = await openPage(browser);
    let verifier = await app.begin(page);
    await page.getByRole('link', { name: 'Continue with Plain' }).click();
    await signInThere(page);
    const claims = await app.finish(page, verifier);
    assertAnn(claims, 'Plain', 'urn:example:plain');

    await app.signOut(page);
    verifier = await app.begin(page);
    await page.getByRole('link', { name: 'Continue with Plain' }).click();
    await signInThere(page); // The provider's session has ended, too.
    assert.equal((await app.finish(page, verifier)).sub, claims.sub);
    await page.context().close();
  });

  test('sign-in that begins at the provider', async () => {
    const page = await openPage(browser);
    const request = new URLSearchParams({
      identity_provider: 'Plain', client_id: app.clientId, redirect_uri: app.callback, response_type: 'code', scope: app.scope, state: 'state',
    });
    const query = new URLSearchParams({ spentityid: `urn:amazon:cognito:sp:${poolId}`, RelayState: request });
    await page.goto(`${settings.plain}/saml2/idp/SSOService.php?${query}`);
    await signInThere(page);
    assertAnn(await app.finish(page), 'Plain', 'urn:example:plain');
    await page.context().close();
  });

  test('encrypted assertions', async () => {
    const page = await openPage(browser);
    let verifier = await app.begin(page);
    await page.getByRole('link', { name: 'Continue with Encrypting' }).click();
    await signInThere(page);
    const claims = await app.finish(page, verifier);
    assertAnn(claims, 'Encrypting', 'urn:example:encrypting');

    // Without IDPSignout the provider's session goes on.
    await app.signOut(page);
    verifier = await app.begin(page, { identity_provider: 'Encrypting' });
    assert.equal((await app.finish(page, verifier)).sub, claims.sub);
    await page.context().close();
  });
});

describe('samlify', () => {
  const admin = administrator();
  let browser, app, poolId, provider;

  before(async () => {
    app = await Application.start();
    browser = await startChromium();
    const pem = (name) => readFile(join(settings.folder, name), 'utf8');
    provider = await SamlifyProvider.start(await pem('idp.key'), await pem('idp.crt'));
    await trustedBy('firm');
  });

  after(async () => {
    await browser?.close();
    await provider?.close();
    await app?.close();
  });

  /** Makes a pool with the provider, and an application that allows it. Pages of version 1 are classic. */
  async function trustedBy(domain, { version, names = ['Firm'] } = {}) {
    poolId = await createSite(admin, domain, version);
    for (const name of names) {
      await createProvider(
        admin, poolId, name, 'SAML', { MetadataFile: provider.metadata, RequestSigningAlgorithm: 'rsa-sha256' },
        { email: 'mail', name: 'cn' }, { IdpIdentifiers: [`${name.toLowerCase()}.example.com`] },
      );
    }
    await createFederatedClient(admin, app, poolId, domain, 'COGNITO', ...names);
    provider.trust(await metadataOf(app, 'Firm'));
  }

  function assertBob(claims) {
    assertProfile(claims, poolId, { name: 'Firm', type: 'SAML', subject: 'bob', issuer: provider.entityID });
    assert.deepEqual([claims.email, claims.name], ['bob@firm.example.com', 'Bob Bell']);
    assert.deepEqual(provider.problems, []);
  }

  test('signed requests', async () => {
    const page = await openPage(browser);
    const verifier = await app.begin(page, { identity_provider: 'Firm' });
    assertBob(await app.finish(page, verifier));
    await page.context().close();
  });

  // Classic pages have no buttons for several SAML providers.
  test('search by address', async () => {
    await trustedBy('search', { version: 1, names: ['Firm', 'Corp'] });
    const page = await openPage(browser);
    const refused = []; // Chromium's policy would stop a form whose answer leads away.
    page.on('console', (message) => { if (message.text().includes('Content Security Policy')) refused.push(message.text()); });
    const verifier = await app.begin(page);
    await page.fill('[name=idp_search]', 'bob@elsewhere.example.com');
    await page.press('[name=idp_search]', 'Enter');
    await page.getByText('No identity provider is known for this domain.').first().waitFor();
    await page.fill('[name=idp_search]', 'bob@Firm.example.com');
    await page.press('[name=idp_search]', 'Enter');
    assertBob(await app.finish(page, verifier));
    assert.deepEqual(refused, []);
    await page.context().close();
  });
});
