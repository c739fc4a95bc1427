// What the suites of sign-in at other providers share: a pool with a domain, its providers, and
// an application whose people come from them.

import assert from 'node:assert/strict';
import { CreateIdentityProviderCommand, CreateUserPoolClientCommand, CreateUserPoolDomainCommand } from '@aws-sdk/client-cognito-identity-provider';
import { createPool, unique } from './cognate.mjs';

/** What the providers' programs were told: their addresses, and the names of people. */
export const settings = JSON.parse(process.env.COGNATE_TEST_PROVIDERS ?? '{}');

/** The domain prefix that those programs know. */
export const prefix = process.env.COGNATE_TEST_DOMAIN;

/** Makes a pool with the domain, and returns its id. */
export async function createSite(admin, domain = prefix, ManagedLoginVersion = 2) {
  const poolId = await createPool(admin);
  await admin.send(new CreateUserPoolDomainCommand({ UserPoolId: poolId, Domain: domain, ManagedLoginVersion }));
  return poolId;
}

export function createProvider(admin, poolId, ProviderName, ProviderType, ProviderDetails, AttributeMapping, more = {}) {
  return admin.send(new CreateIdentityProviderCommand({ UserPoolId: poolId, ProviderName, ProviderType, ProviderDetails, AttributeMapping, ...more }));
}

/** Makes the application's client, which allows these providers. */
export async function createFederatedClient(admin, app, poolId, domain, ...names) {
  const { UserPoolClient } = await admin.send(
    new CreateUserPoolClientCommand({
      UserPoolId: poolId,
      ClientName: unique('client'),
      AllowedOAuthFlowsUserPoolClient: true,
      AllowedOAuthFlows: ['code'],
      AllowedOAuthScopes: ['openid', 'email', 'profile'],
      CallbackURLs: [app.callback],
      LogoutURLs: [app.callback],
      SupportedIdentityProviders: names,
    }),
  );
  app.configure({ poolId, prefix: domain, clientId: UserPoolClient.ClientId, scope: 'openid email profile' });
}

/** A page of a new person's browser, which reaches nothing but this machine. */
export async function openPage(browser) {
  const context = await browser.newContext();
  await context.route((url) => !/^(127\.0\.0\.1|(.*\.)?localhost)$/.test(url.hostname), (route) => route.abort());
  return context.newPage();
}

/** Checks that the claims are of a profile that this provider made for the person. */
export function assertProfile(claims, poolId, { name, type, subject, issuer = null }) {
  assert.equal(claims['cognito:username'], `${name}_${subject}`);
  assert.deepEqual(claims['cognito:groups'], [`${poolId}_${name}`]);
  assertIdentity(claims, { name, type, subject, issuer, primary: 'true' });
}

/** Checks that the person has this one identity. */
export function assertIdentity(claims, { name, type, subject, issuer = null, primary }) {
  assert.equal(claims.identities.length, 1);
  const [{ dateCreated, ...identity }] = claims.identities;
  assert.deepEqual(identity, { userId: subject, providerName: name, providerType: type, issuer, primary });
  assert.ok(Math.abs(Number(dateCreated) - Date.now()) < 3_600_000, dateCreated);
}
