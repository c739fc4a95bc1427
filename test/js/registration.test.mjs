// openid-client and oauth4webapi, unmodified: they register themselves as clients of an
// issuer that they discover (RFC 7591), and sign a person in.

import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { DescribeUserPoolClientCommand, ListUserPoolClientsCommand, UpdateUserPoolCommand } from '@aws-sdk/client-cognito-identity-provider';
import * as oauth from 'oauth4webapi';
import * as oidc from 'openid-client';
import { administrator } from './cognate.mjs';
import { Browser, createIssuer, createOAuthClient, createPerson } from './domain.mjs';

const callback = 'https://app.example.com/callback';
const registerScope = 'aws.cognito/dcr/register';

describe('clients that register themselves', () => {
  const admin = administrator();
  let poolId, issuer, username, registrar;

  before(async () => {
    const made = await createIssuer(admin);
    poolId = made.poolId;
    issuer = new URL(made.issuer);
    username = await createPerson(admin, poolId);
    registrar = await createOAuthClient(admin, poolId, {
      AllowedOAuthFlows: ['client_credentials'],
      AllowedOAuthScopes: [registerScope],
      SupportedIdentityProviders: undefined,
    });
  });

  const configure = (DcrConfiguration) => admin.send(new UpdateUserPoolCommand({ UserPoolId: poolId, DcrConfiguration }));
  const insecure = { [oauth.allowInsecureRequests]: true };
  const discover = async () => oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, insecure));

  async function register(metadata, options = {}) {
    const response = await oauth.dynamicClientRegistrationRequest(await discover(), metadata, { ...insecure, ...options });
    return oauth.processDynamicClientRegistrationResponse(response);
  }

  test('a stranger: openid-client', async () => {
    await configure({ OpenDcrEnabled: true });
    const metadata = { redirect_uris: [callback], token_endpoint_auth_method: 'none', scope: 'openid email', client_name: 'Reader' };
    const config = await oidc.dynamicClientRegistration(issuer, metadata, oidc.None(), { execute: [oidc.allowInsecureRequests], timeout: 600 });
    const client = config.clientMetadata();
    assert.equal(client.client_secret, undefined);

    const pkceCodeVerifier = oidc.randomPKCECodeVerifier();
    const url = oidc.buildAuthorizationUrl(config, {
      redirect_uri: callback,
      scope: 'openid email',
      code_challenge: await oidc.calculatePKCECodeChallenge(pkceCodeVerifier),
      code_challenge_method: 'S256',
    });
    const tokens = await oidc.authorizationCodeGrant(config, await new Browser().authorize(url, username), { pkceCodeVerifier });
    assert.equal(tokens.claims().email, `${username}@example.com`);
    assert.equal((await oidc.refreshTokenGrant(config, tokens.refresh_token)).claims().sub, tokens.claims().sub);

    const { UserPoolClients } = await admin.send(new ListUserPoolClientsCommand({ UserPoolId: poolId, ClientType: 'DCR' }));
    assert.deepEqual(UserPoolClients.map((c) => c.ClientName), ['Reader']);
    const { UserPoolClient } = await admin.send(new DescribeUserPoolClientCommand({ UserPoolId: poolId, ClientId: client.client_id }));
    assert.equal(UserPoolClient.ClientType, 'DCR');
  });

  test('with an access token: oauth4webapi', async () => {
    await configure({ AllowedScopes: ['orders/read'] });
    const server = await discover();
    const machine = (client) => [server, { client_id: client.client_id ?? client.id }, oauth.ClientSecretBasic(client.client_secret ?? client.secret)];
    const grant = async (client) => {
      const answer = await oauth.clientCredentialsGrantRequest(...machine(client), {}, insecure);
      return (await oauth.processClientCredentialsResponse(server, machine(client)[1], answer)).access_token;
    };
    const metadata = { grant_types: ['client_credentials'], response_types: [] };
    await assert.rejects(register(metadata), { name: 'WWWAuthenticateChallengeError', status: 401 });
    const initialAccessToken = await grant(registrar);
    const client = await register(metadata, { initialAccessToken });
    assert.equal(client.scope, 'orders/read');
    const own = await grant(client);
    await assert.rejects(register(metadata, { initialAccessToken: own }), { name: 'WWWAuthenticateChallengeError', status: 403 });
    await assert.rejects(register({ ...metadata, scope: registerScope }, { initialAccessToken }), { error: 'invalid_client_metadata', status: 400 });
    await assert.rejects(register({ redirect_uris: ['javascript:alert(1)'] }, { initialAccessToken }), { error: 'invalid_redirect_uri', status: 400 });
  });

  test('where it is off', async () => {
    await configure({ EnableStatus: 'Disabled' });
    assert.equal((await discover()).registration_endpoint, undefined);
  });
});
