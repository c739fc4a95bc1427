// The API as its users meet it. Sign-ups, mail and tokens are those of a real server.

import { CognitoIdentityProviderClient, ConfirmSignUpCommand, InitiateAuthCommand, SignUpCommand } from '@aws-sdk/client-cognito-identity-provider';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { createAPI } from '../api.mjs';

const endpoint = inject('endpoint');
const poolId = 'us-east-1_shop1';
const clientId = 'shopweb';
const password = 'Correct-horse-1';
const users = new CognitoIdentityProviderClient({ region: 'us-east-1', endpoint });
const api = createAPI({ issuer: `${endpoint}/${poolId}`, clientId });

beforeAll(() => new Promise((done) => api.listen(0, 'localhost', done)));

afterAll(() => {
  api.closeAllConnections();
  return new Promise((done) => api.close(done));
});

async function signIn(username) {
  const { AuthenticationResult } = await users.send(
    new InitiateAuthCommand({ ClientId: clientId, AuthFlow: 'USER_PASSWORD_AUTH', AuthParameters: { USERNAME: username, PASSWORD: password } }),
  );
  return AuthenticationResult;
}

async function call(path, token) {
  const headers = token ? { Authorization: `Bearer ${token}` } : {};
  const response = await fetch(`http://localhost:${api.address().port}${path}`, { headers });
  return { status: response.status, body: await response.json() };
}

/** The code in the newest mail to a user. `cognate dev` shows the mail that it would have sent. */
async function newestCode(username) {
  const inbox = await fetch(`${endpoint}/_cognate/inbox?${new URLSearchParams({ pool: poolId, username, wait: '10s' })}`);
  return (await inbox.json()).messages[0].code;
}

test('a new user signs up, confirms the address and reads the own orders', async () => {
  const username = `carol-${crypto.randomUUID()}`;
  await users.send(
    new SignUpCommand({ ClientId: clientId, Username: username, Password: password, UserAttributes: [{ Name: 'email', Value: `${username}@example.com` }] }),
  );
  await expect(signIn(username)).rejects.toMatchObject({ name: 'UserNotConfirmedException' });
  await users.send(new ConfirmSignUpCommand({ ClientId: clientId, Username: username, ConfirmationCode: await newestCode(username) }));
  const { AccessToken } = await signIn(username);
  expect(await call('/orders', AccessToken)).toEqual({ status: 200, body: { user: username, orders: [] } });
});

test('without an access token the API answers 401', async () => {
  const { AccessToken, IdToken } = await signIn('ann');
  const altered = AccessToken.slice(0, -12) + 'A'.repeat(12);
  for (const token of [undefined, 'x', IdToken, altered]) {
    expect((await call('/orders', token)).status).toBe(401);
  }
});

test('only staff reads the report', async () => {
  const [ann, bob] = [await signIn('ann'), await signIn('bob')];
  expect((await call('/report', ann.AccessToken)).status).toBe(200);
  expect((await call('/report', bob.AccessToken)).status).toBe(403);
});
