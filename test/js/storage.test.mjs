// Identity pools and the gateway to a store, by the SDK's own credential providers, and by
// Amplify's Storage in Chromium. A person may use the folder of the own identity, a guest may read
// the public one.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { CognitoIdentityClient, CreateIdentityPoolCommand, SetIdentityPoolRolesCommand } from '@aws-sdk/client-cognito-identity';
import { AdminCreateUserCommand, AdminSetUserPasswordCommand, InitiateAuthCommand } from '@aws-sdk/client-cognito-identity-provider';
import { CreateRoleCommand, IAMClient, PutRolePolicyCommand } from '@aws-sdk/client-iam';
import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { fromCognitoIdentity, fromCognitoIdentityPool } from '@aws-sdk/credential-providers';
import { launch } from './browser/page.mjs';
import { administrator, createClient, createPool, endpoint, region, unique } from './cognate.mjs';

const gatewayPort = new URL(`http://${process.env.COGNATE_TEST_GATEWAY}`).port;
const password = 'Correct-horse-1';
const folder = 'people/${cognito-identity.amazonaws.com:sub}/';

const credentials = { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'any secret will do' };
const admin = administrator();
const iam = new IAMClient({ region, endpoint, credentials, maxAttempts: 1 });
const identities = new CognitoIdentityClient({ region, endpoint, credentials, maxAttempts: 1 });

let userPoolId, clientId, identityPoolId;

/** Makes a role for the pool's identities. */
async function createRole(amr, statements) {
  const RoleName = unique(amr);
  const trust = {
    Version: '2012-10-17',
    Statement: [{
      Effect: 'Allow', Action: 'sts:AssumeRoleWithWebIdentity', Principal: { Federated: 'cognito-identity.amazonaws.com' },
      Condition: {
        StringEquals: { 'cognito-identity.amazonaws.com:aud': identityPoolId },
        'ForAnyValue:StringLike': { 'cognito-identity.amazonaws.com:amr': amr },
      },
    }],
  };
  const { Role } = await iam.send(new CreateRoleCommand({ RoleName, AssumeRolePolicyDocument: JSON.stringify(trust) }));
  const policy = { Version: '2012-10-17', Statement: statements.map((s) => ({ Effect: 'Allow', ...s })) };
  await iam.send(new PutRolePolicyCommand({ RoleName, PolicyName: 'store', PolicyDocument: JSON.stringify(policy) }));
  return Role.Arn;
}

/** Makes a person and signs in. Returns the name and the login. */
async function createPerson() {
  const Username = unique('ann');
  await admin.send(new AdminCreateUserCommand({ UserPoolId: userPoolId, Username, MessageAction: 'SUPPRESS' }));
  await admin.send(new AdminSetUserPasswordCommand({ UserPoolId: userPoolId, Username, Password: password, Permanent: true }));
  const { AuthenticationResult } = await admin.send(
    new InitiateAuthCommand({ ClientId: clientId, AuthFlow: 'USER_PASSWORD_AUTH', AuthParameters: { USERNAME: Username, PASSWORD: password } }),
  );
  return { username: Username, logins: { [`cognito-idp.${region}.amazonaws.com/${userPoolId}`]: AuthenticationResult.IdToken } };
}

before(async () => {
  userPoolId = await createPool(admin);
  clientId = await createClient(admin, userPoolId, ['ALLOW_USER_PASSWORD_AUTH', 'ALLOW_USER_SRP_AUTH', 'ALLOW_REFRESH_TOKEN_AUTH']);
  const ProviderName = `cognito-idp.${region}.amazonaws.com/${userPoolId}`;
  ({ IdentityPoolId: identityPoolId } = await identities.send(
    new CreateIdentityPoolCommand({
      IdentityPoolName: 'people', AllowUnauthenticatedIdentities: true, CognitoIdentityProviders: [{ ProviderName, ClientId: clientId }],
    }),
  ));
  const readPublic = { Action: 's3:GetObject', Resource: 'arn:aws:s3:::data/public/*' };
  const Roles = {
    authenticated: await createRole('authenticated', [
      readPublic,
      { Action: ['s3:GetObject', 's3:PutObject', 's3:DeleteObject'], Resource: `arn:aws:s3:::data/${folder}*` },
      { Action: 's3:PutObject', Resource: 'arn:aws:s3:::data/public/*' },
      { Action: 's3:ListBucket', Resource: 'arn:aws:s3:::data', Condition: { StringLike: { 's3:prefix': `${folder}*` } } },
    ]),
    unauthenticated: await createRole('unauthenticated', [readPublic]),
  };
  await identities.send(new SetIdentityPoolRolesCommand({ IdentityPoolId: identityPoolId, Roles }));
});

describe('credential providers of the SDK', () => {
  const clientConfig = { region, endpoint };

  function storeOf(credentials) {
    return new S3Client({ region, endpoint: `https://localhost:${gatewayPort}`, forcePathStyle: true, credentials, maxAttempts: 1 });
  }

  const put = (s3, Key, Body) => s3.send(new PutObjectCommand({ Bucket: 'data', Key, Body }));

  const get = async (s3, Key) => (await s3.send(new GetObjectCommand({ Bucket: 'data', Key }))).Body.transformToString();

  const denied = { name: 'AccessDenied' };

  test('a person has the own folder, and no other', async () => {
    const [ann, bob] = await Promise.all([createPerson(), createPerson()]);
    const provide = fromCognitoIdentityPool({ identityPoolId, logins: ann.logins, clientConfig });
    const { identityId } = await provide();
    const s3 = storeOf(provide);
    await put(s3, `people/${identityId}/a/note.txt`, 'of ann');
    assert.equal(await get(s3, `people/${identityId}/a/note.txt`), 'of ann');
    const { Contents } = await s3.send(new ListObjectsV2Command({ Bucket: 'data', Prefix: `people/${identityId}/` }));
    assert.deepEqual(Contents.map((o) => o.Key), [`people/${identityId}/a/note.txt`]);

    const neighbour = storeOf(fromCognitoIdentityPool({ identityPoolId, logins: bob.logins, clientConfig }));
    await assert.rejects(get(neighbour, `people/${identityId}/a/note.txt`), denied);
    await assert.rejects(put(neighbour, `people/${identityId}/a/note.txt`, 'of bob'), denied);
    await assert.rejects(neighbour.send(new ListObjectsV2Command({ Bucket: 'data', Prefix: `people/${identityId}/` })), denied);
    await assert.rejects(neighbour.send(new ListObjectsV2Command({ Bucket: 'data' })), denied);

    // The identity is the same at the next sign-in, and without its login forbidden.
    const again = fromCognitoIdentity({ identityId, logins: ann.logins, clientConfig });
    assert.equal(await get(storeOf(again), `people/${identityId}/a/note.txt`), 'of ann');
    await assert.rejects(fromCognitoIdentity({ identityId, clientConfig })(), { name: 'NotAuthorizedException' });
  });

  test('a guest reads what is public', async () => {
    const { logins } = await createPerson();
    await put(storeOf(fromCognitoIdentityPool({ identityPoolId, logins, clientConfig })), 'public/hello.txt', 'hello');
    const guest = storeOf(fromCognitoIdentityPool({ identityPoolId, clientConfig }));
    assert.equal(await get(guest, 'public/hello.txt'), 'hello');
    await assert.rejects(put(guest, 'public/hello.txt', 'x'), denied);
    await assert.rejects(get(guest, 'people/x/a/note.txt'), denied);
  });

  test('credentials of another secret or another token are refused', async () => {
    const one = await fromCognitoIdentityPool({ identityPoolId, clientConfig })();
    const two = await fromCognitoIdentityPool({ identityPoolId, clientConfig })();
    for (const [name, changed, refusal] of [
      ['secret', { ...one, secretAccessKey: two.secretAccessKey }, 'SignatureDoesNotMatch'],
      ['token', { ...one, sessionToken: two.sessionToken }, 'InvalidToken'],
      ['cut token', { ...one, sessionToken: one.sessionToken.slice(0, -4) }, 'InvalidToken'],
      ['no token', { ...one, sessionToken: undefined }, 'InvalidAccessKeyId'],
    ]) {
      await assert.rejects(get(storeOf(changed), 'public/hello.txt'), { name: refusal }, name);
    }
  });
});

describe('Amplify', () => {
  const customEndpoint = `s3.localhost:${gatewayPort}`;
  let browser;

  before(async () => {
    browser = await launch('storage.mjs');
  });

  after(() => browser?.close());

  const open = () => {
    const Cognito = { userPoolId, userPoolClientId: clientId, userPoolEndpoint: endpoint, identityPoolId, identityPoolEndpoint: endpoint, allowGuestAccess: true };
    return browser.open({ Auth: { Cognito }, Storage: { S3: { bucket: 'data', region } } }, { ignoreHTTPSErrors: true });
  };

  const call = async (page, name, ...args) => page.evaluate(([name, args]) => window[name](...args), [name, args]);

  test('a person uploads, lists and reads; a guest reads what is public', async () => {
    const { page, context } = await open();
    const options = { customEndpoint };
    const guest = (await call(page, 'auth', 'fetchAuthSession')).value;
    assert.match(guest.identityId, /^us-east-1:/);
    assert.equal(guest.tokens, undefined);

    const { username } = await createPerson();
    assert.equal((await call(page, 'auth', 'signIn', { username, password })).error, undefined);
    const { identityId, userSub } = (await call(page, 'auth', 'fetchAuthSession')).value;
    assert.equal(identityId, guest.identityId, 'the guest has become the person');
    assert.ok(userSub);

    const path = `people/${identityId}/photo.txt`;
    assert.equal((await call(page, 'upload', path, 'a photo', options)).value?.path, path);
    assert.equal((await call(page, 'upload', 'public/wall.txt', 'for all', options)).value?.path, 'public/wall.txt');
    assert.deepEqual((await call(page, 'list', `people/${identityId}/`, options)).value.items.map((o) => o.path), [path]);
    assert.deepEqual(await call(page, 'download', path, options), { value: 'a photo' });
    assert.deepEqual(await call(page, 'fetchByURL', path, options), { value: { status: 200, text: 'a photo' } });
    assert.equal((await call(page, 'upload', 'people/us-east-1:other/photo.txt', 'x', options)).error, 'AccessDenied');

    await call(page, 'auth', 'signOut');
    const other = (await call(page, 'auth', 'fetchAuthSession')).value;
    assert.notEqual(other.identityId, identityId);
    assert.deepEqual(await call(page, 'download', 'public/wall.txt', options), { value: 'for all' });
    assert.equal((await call(page, 'download', path, options)).error, 'AccessDenied');
    assert.equal((await call(page, 'fetchByURL', path, options)).value.status, 403);
    await context.close();
  });
});
