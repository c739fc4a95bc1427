// aws-jwt-verify, as a resource server uses it: which tokens it takes, and
// that it takes no others.

import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { AdminCreateUserCommand, AdminSetUserPasswordCommand, InitiateAuthCommand } from '@aws-sdk/client-cognito-identity-provider';
import { CognitoJwtVerifier, JwtRsaVerifier } from 'aws-jwt-verify';
import {
  CognitoJwtInvalidClientIdError,
  CognitoJwtInvalidTokenUseError,
  JwtExpiredError,
  JwtInvalidAudienceError,
  JwtInvalidSignatureAlgorithmError,
  JwtInvalidSignatureError,
  JwtParseError,
  KidNotFoundInJwksError,
} from 'aws-jwt-verify/error';
import { SimpleJwksCache } from 'aws-jwt-verify/jwk';
import { administrator, awsIssuerEndpoint, claims, createClient, createPool, endpoint, region, unique } from './cognate.mjs';

const flows = ['ALLOW_USER_PASSWORD_AUTH', 'ALLOW_REFRESH_TOKEN_AUTH'];
const password = 'Correct-horse-1';

/** The library fetches by https only; a development server speaks http. */
const overHTTP = () =>
  new SimpleJwksCache({
    fetcher: {
      async fetch(uri) {
        const response = await fetch(uri);
        assert.equal(response.status, 200, uri);
        return response.arrayBuffer();
      },
    },
  });

/** A pool with a client and a signed-in user. */
async function tokensOf(admin, poolId, clientId) {
  const Username = unique('alice');
  await admin.send(new AdminCreateUserCommand({ UserPoolId: poolId, Username, MessageAction: 'SUPPRESS' }));
  await admin.send(new AdminSetUserPasswordCommand({ UserPoolId: poolId, Username, Password: password, Permanent: true }));
  const { AuthenticationResult } = await admin.send(
    new InitiateAuthCommand({
      ClientId: clientId,
      AuthFlow: 'USER_PASSWORD_AUTH',
      AuthParameters: { USERNAME: Username, PASSWORD: password },
    }),
  );
  return { id: AuthenticationResult.IdToken, access: AuthenticationResult.AccessToken };
}

async function makeParty(at) {
  const admin = administrator(at);
  const poolId = await createPool(admin);
  const clientId = await createClient(admin, poolId, flows);
  return { admin, poolId, clientId, ...(await tokensOf(admin, poolId, clientId)) };
}

const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

/** The same token with other claims under the old signature. */
function altered(token, change) {
  const [header, , signature] = token.split('.');
  return [header, encode({ ...claims(token), ...change }), signature].join('.');
}

/** The same claims under another header. */
function reheaded(token, change, signature) {
  const [header, payload, old] = token.split('.');
  return [encode({ ...JSON.parse(Buffer.from(header, 'base64url')), ...change }), payload, signature ?? old].join('.');
}

/** Runs a check at another time. Only synchronous checks: the clock is everybody's. */
function at(seconds, check) {
  const now = Date.now;
  Date.now = () => seconds * 1000;
  try {
    return check();
  } finally {
    Date.now = now;
  }
}

describe('aws-jwt-verify: JwtRsaVerifier', () => {
  let party;
  let verifier;

  before(async () => {
    party = await makeParty(endpoint);
    const issuer = `${endpoint}/${party.poolId}`;
    verifier = JwtRsaVerifier.create(
      { issuer, audience: party.clientId, jwksUri: `${issuer}/.well-known/jwks.json` },
      { jwksCache: overHTTP() },
    );
    await verifier.hydrate();
  });

  test('accepts the ID token', async () => {
    const payload = await verifier.verify(party.id);
    assert.equal(payload.token_use, 'id');
    assert.equal(payload.iss, `${endpoint}/${party.poolId}`);
  });

  test('accepts the access token, which has no audience', async () => {
    const payload = await verifier.verify(party.access, { audience: null, scope: 'aws.cognito.signin.user.admin' });
    assert.equal(payload.token_use, 'access');
    assert.equal(payload.client_id, party.clientId);
  });

  test('the two tokens have two keys, both published', async () => {
    const response = await fetch(`${endpoint}/${party.poolId}/.well-known/jwks.json`);
    assert.match(response.headers.get('content-type'), /^application\/json/);
    const { keys } = await response.json();
    const kid = (token) => JSON.parse(Buffer.from(token.split('.')[0], 'base64url')).kid;
    assert.notEqual(kid(party.id), kid(party.access));
    for (const token of [party.id, party.access]) {
      const key = keys.find((k) => k.kid === kid(token));
      assert.ok(key, `no key ${kid(token)}`);
      assert.deepEqual({ kty: key.kty, alg: key.alg, use: key.use, e: key.e }, { kty: 'RSA', alg: 'RS256', use: 'sig', e: 'AQAB' });
      assert.equal(key.d, undefined, 'a private key is published');
    }
  });

  test('the discovery document names the issuer and its keys', async () => {
    const issuer = `${endpoint}/${party.poolId}`;
    const response = await fetch(`${issuer}/.well-known/openid-configuration`);
    assert.equal(response.status, 200);
    const document = await response.json();
    assert.equal(document.issuer, issuer);
    assert.equal(document.jwks_uri, `${issuer}/.well-known/jwks.json`);
    assert.deepEqual(document.id_token_signing_alg_values_supported, ['RS256']);
  });

  test('refuses a token whose claims were altered', async () => {
    await assert.rejects(verifier.verify(altered(party.id, { 'cognito:groups': ['admins'] })), JwtInvalidSignatureError);
    await assert.rejects(verifier.verify(altered(party.access, { username: 'root' }), { audience: null }), JwtInvalidSignatureError);
  });

  test('refuses a token whose header was altered', async () => {
    await assert.rejects(verifier.verify(reheaded(party.id, { alg: 'none' }, '')), (error) =>
      error instanceof JwtInvalidSignatureAlgorithmError || error instanceof JwtParseError);
    await assert.rejects(verifier.verify(reheaded(party.id, { alg: 'HS256' })), JwtInvalidSignatureAlgorithmError);
    const otherKid = JSON.parse(Buffer.from(party.access.split('.')[0], 'base64url')).kid;
    await assert.rejects(verifier.verify(reheaded(party.id, { kid: otherKid })), JwtInvalidSignatureError);
  });

  test('refuses a token once it has expired', () => {
    const { exp, iat } = claims(party.id);
    assert.equal(exp - iat, 3600);
    at(exp - 1, () => verifier.verifySync(party.id));
    at(exp + 1, () => assert.throws(() => verifier.verifySync(party.id), JwtExpiredError));
    at(exp + 1, () => assert.throws(() => verifier.verifySync(party.access, { audience: null }), JwtExpiredError));
  });

  test("refuses another client's ID token", async () => {
    const other = await createClient(party.admin, party.poolId, flows);
    const { id } = await tokensOf(party.admin, party.poolId, other);
    await assert.rejects(verifier.verify(id), JwtInvalidAudienceError);
  });

  test("refuses another pool's tokens", async () => {
    const other = await makeParty(endpoint);
    await assert.rejects(verifier.verify(other.id), KidNotFoundInJwksError);
    // Nor does the other pool's key pass under this pool's name.
    const renamed = altered(other.id, { iss: `${endpoint}/${party.poolId}` });
    assert.throws(() => verifier.verifySync(renamed), KidNotFoundInJwksError);
  });
});

describe("aws-jwt-verify: CognitoJwtVerifier, with Cognito's own issuer", () => {
  let party;
  let ids;
  let accesses;

  before(async () => {
    assert.ok(awsIssuerEndpoint, 'COGNATE_AWS_ISSUER_ENDPOINT is not set');
    party = await makeParty(awsIssuerEndpoint);
    const jwks = await (await fetch(`${awsIssuerEndpoint}/${party.poolId}/.well-known/jwks.json`)).json();
    const make = (tokenUse) => {
      const verifier = CognitoJwtVerifier.create({ userPoolId: party.poolId, clientId: party.clientId, tokenUse });
      verifier.cacheJwks(jwks); // Instead of fetching it from Cognito.
      return verifier;
    };
    ids = make('id');
    accesses = make('access');
  });

  test('accepts each token for its use', async () => {
    assert.equal((await ids.verify(party.id)).iss, `https://cognito-idp.${region}.amazonaws.com/${party.poolId}`);
    assert.equal((await accesses.verify(party.access)).client_id, party.clientId);
  });

  test('refuses each token for the other use', async () => {
    await assert.rejects(ids.verify(party.access), CognitoJwtInvalidTokenUseError);
    await assert.rejects(accesses.verify(party.id), CognitoJwtInvalidTokenUseError);
  });

  test('refuses altered and expired tokens', async () => {
    await assert.rejects(ids.verify(altered(party.id, { sub: 'somebody else' })), JwtInvalidSignatureError);
    const { exp } = claims(party.access);
    at(exp - 1, () => accesses.verifySync(party.access));
    at(exp + 1, () => assert.throws(() => accesses.verifySync(party.access), JwtExpiredError));
  });

  test("refuses another client's tokens", async () => {
    const other = await createClient(party.admin, party.poolId, flows);
    const tokens = await tokensOf(party.admin, party.poolId, other);
    await assert.rejects(ids.verify(tokens.id), CognitoJwtInvalidClientIdError);
    await assert.rejects(accesses.verify(tokens.access), CognitoJwtInvalidClientIdError);
  });

  test("refuses another pool's tokens", async () => {
    const other = await makeParty(awsIssuerEndpoint);
    await assert.rejects(ids.verify(other.id), /^Error: issuer not configured: /);
  });
});
