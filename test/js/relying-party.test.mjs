// openid-client and oauth4webapi, unmodified: they discover the issuer, sign a
// person in by code with PKCE, state and nonce, and verify the ID token.

import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import * as oauth from 'oauth4webapi';
import * as oidc from 'openid-client';
import { administrator } from './cognate.mjs';
import { Browser, createIssuer, createMachine, createOAuthClient, createPerson } from './domain.mjs';

const callback = 'https://app.example.com/callback';
const signedOut = 'https://app.example.com/';
const scope = 'openid email';

const admin = administrator();
let issuer, web, spa, machine, username;

before(async () => {
  const made = await createIssuer(admin);
  issuer = new URL(made.issuer);
  const settings = { AllowedOAuthScopes: ['openid', 'email'], CallbackURLs: [callback], LogoutURLs: [signedOut] };
  web = await createOAuthClient(admin, made.poolId, settings);
  spa = await createOAuthClient(admin, made.poolId, { ...settings, GenerateSecret: false });
  machine = await createMachine(admin, made.poolId);
  username = await createPerson(admin, made.poolId);
});

/** Checks what ID token and userInfo say of the person. The service sends each value of userInfo as text. */
function checkPerson(claims, info) {
  const email = `${username}@example.com`;
  assert.deepEqual([claims.email, claims.email_verified, claims['cognito:username']], [email, true, username]);
  assert.deepEqual([info.sub, info.email, info.email_verified, info.username], [claims.sub, email, 'true', username]);
}

describe('openid-client', () => {
  let config;

  /** Discovers the issuer. The library verifies signatures of ID tokens on request only. A busy machine is slow. */
  const discover = ({ id, secret }) =>
    oidc.discovery(issuer, id, secret, undefined, {
      execute: [oidc.allowInsecureRequests, oidc.enableNonRepudiationChecks],
      timeout: 600,
    });

  before(async () => {
    config = await discover(web);
  });

  /** Signs in and returns the callback's address with what the grant must check. */
  async function authorize(browser = new Browser()) {
    const checks = {
      pkceCodeVerifier: oidc.randomPKCECodeVerifier(),
      expectedState: oidc.randomState(),
      expectedNonce: oidc.randomNonce(),
      idTokenExpected: true,
    };
    const url = oidc.buildAuthorizationUrl(config, {
      redirect_uri: callback,
      scope,
      state: checks.expectedState,
      nonce: checks.expectedNonce,
      code_challenge: await oidc.calculatePKCECodeChallenge(checks.pkceCodeVerifier),
      code_challenge_method: 'S256',
    });
    return { url, at: await browser.authorize(url, username), checks };
  }

  test('signs in, reads userInfo, refreshes and revokes', async () => {
    const { at, checks } = await authorize();
    const tokens = await oidc.authorizationCodeGrant(config, at, checks);
    const claims = tokens.claims();
    checkPerson(claims, await oidc.fetchUserInfo(config, tokens.access_token, claims.sub));
    assert.ok(tokens.expiresIn() > 0);

    const refreshed = await oidc.refreshTokenGrant(config, tokens.refresh_token);
    assert.equal(refreshed.claims().sub, claims.sub);
    assert.notEqual(refreshed.access_token, tokens.access_token);

    await oidc.tokenRevocation(config, tokens.refresh_token);
    await assert.rejects(oidc.refreshTokenGrant(config, tokens.refresh_token), { error: 'invalid_grant' });
    await assert.rejects(oidc.fetchUserInfo(config, refreshed.access_token, claims.sub), (error) => {
      assert.ok(error instanceof oidc.WWWAuthenticateChallengeError, error);
      assert.equal(error.cause[0].parameters.error, 'invalid_token');
      return true;
    });
  });

  test('signs out by end_session_endpoint', async () => {
    const browser = new Browser();
    const { url, at, checks } = await authorize(browser);
    const { id_token } = await oidc.authorizationCodeGrant(config, at, checks);
    assert.equal((await browser.visit(url)).url.origin, new URL(callback).origin, 'the session does not sign in again');

    const end = oidc.buildEndSessionUrl(config, { post_logout_redirect_uri: signedOut, id_token_hint: id_token });
    assert.equal((await browser.visit(end)).url.href, signedOut);
    assert.match((await browser.visit(url)).url.pathname, /\/login$/, 'the session is not over');
  });

  test('gets an access token for a machine', async () => {
    const tokens = await oidc.clientCredentialsGrant(await discover(machine), { scope: 'orders/read' });
    assert.equal(tokens.token_type, 'bearer');
    assert.equal(tokens.refresh_token, undefined);
  });

  test('is refused a replayed code, and the tokens of its first use end', async () => {
    const { at, checks } = await authorize();
    const tokens = await oidc.authorizationCodeGrant(config, at, checks);
    await assert.rejects(oidc.authorizationCodeGrant(config, at, checks), { error: 'invalid_grant', status: 400 });
    await assert.rejects(oidc.refreshTokenGrant(config, tokens.refresh_token), { error: 'invalid_grant' });
  });

  test('is refused another verifier', async () => {
    const { at, checks } = await authorize();
    const other = { ...checks, pkceCodeVerifier: oidc.randomPKCECodeVerifier() };
    await assert.rejects(oidc.authorizationCodeGrant(config, at, other), { error: 'invalid_grant', status: 400 });
  });

  test('is refused with a wrong secret', async () => {
    const stranger = await discover({ id: web.id, secret: `${web.secret}x` });
    const { at, checks } = await authorize();
    await assert.rejects(oidc.authorizationCodeGrant(stranger, at, checks), { error: 'invalid_client', status: 400 });
  });
});

describe('oauth4webapi', () => {
  const options = { [oauth.allowInsecureRequests]: true };
  let server;

  before(async () => {
    server = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, options));
  });

  async function authorize(client) {
    const verifier = oauth.generateRandomCodeVerifier();
    const [state, nonce] = [oauth.generateRandomState(), oauth.generateRandomNonce()];
    const url = new URL(server.authorization_endpoint);
    url.search = new URLSearchParams({
      client_id: client.client_id,
      response_type: 'code',
      redirect_uri: callback,
      scope,
      state,
      nonce,
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
    });
    const at = await new Browser().authorize(url, username);
    return { parameters: oauth.validateAuthResponse(server, client, at, state), verifier, nonce };
  }

  async function redeem(client, authentication, { parameters, verifier, nonce }) {
    const response = await oauth.authorizationCodeGrantRequest(server, client, authentication, parameters, callback, verifier, options);
    const tokens = await oauth.processAuthorizationCodeResponse(server, client, response, { expectedNonce: nonce, requireIdToken: true });
    await oauth.validateApplicationLevelSignature(server, response, options);
    return tokens;
  }

  async function refresh(client, authentication, token) {
    const response = await oauth.refreshTokenGrantRequest(server, client, authentication, token, options);
    return oauth.processRefreshTokenResponse(server, client, response);
  }

  async function signsIn(client, authentication) {
    const tokens = await redeem(client, authentication, await authorize(client));
    const claims = oauth.getValidatedIdTokenClaims(tokens);
    const info = await oauth.userInfoRequest(server, client, tokens.access_token, options);
    checkPerson(claims, await oauth.processUserInfoResponse(server, client, claims.sub, info));

    const refreshed = await refresh(client, authentication, tokens.refresh_token);
    assert.equal(oauth.getValidatedIdTokenClaims(refreshed).sub, claims.sub);

    const revoked = await oauth.revocationRequest(server, client, authentication, tokens.refresh_token, options);
    await oauth.processRevocationResponse(revoked);
    await assert.rejects(refresh(client, authentication, tokens.refresh_token), { error: 'invalid_grant' });
  }

  test('signs in with the secret in the header', () => signsIn({ client_id: web.id }, oauth.ClientSecretBasic(web.secret)));

  test('signs in with the secret in the form', () => signsIn({ client_id: web.id }, oauth.ClientSecretPost(web.secret)));

  test('signs in as a public client', () => signsIn({ client_id: spa.id }, oauth.None()));

  async function machineToken(secret) {
    const client = { client_id: machine.id };
    const response = await oauth.clientCredentialsGrantRequest(server, client, oauth.ClientSecretBasic(secret), { scope: 'orders/read' }, options);
    return oauth.processClientCredentialsResponse(server, client, response);
  }

  test('gets an access token for a machine, by the right secret alone', async () => {
    assert.equal((await machineToken(machine.secret)).token_type, 'bearer');
    await assert.rejects(machineToken(`${machine.secret}x`), { error: 'invalid_client', status: 400 });
  });

  test('is refused a replayed code and another verifier', async () => {
    const client = { client_id: spa.id };
    const first = await authorize(client);
    await redeem(client, oauth.None(), first);
    await assert.rejects(redeem(client, oauth.None(), first), { error: 'invalid_grant', status: 400 });

    const second = await authorize(client);
    const other = { ...second, verifier: oauth.generateRandomCodeVerifier() };
    await assert.rejects(redeem(client, oauth.None(), other), { error: 'invalid_grant', status: 400 });
  });
});
