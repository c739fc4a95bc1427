// The AWS SDK for JavaScript v3, unmodified: the newest operations, paginators
// and the modelled errors as the SDK's own classes.

import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { before, describe, test } from 'node:test';
import {
  AddUserPoolClientSecretCommand,
  AdminAddUserToGroupCommand,
  AdminCreateUserCommand,
  AdminGetUserCommand,
  AdminSetUserPasswordCommand,
  CognitoIdentityProviderServiceException,
  CodeMismatchException,
  ConfirmSignUpCommand,
  CreateGroupCommand,
  CreateUserPoolClientCommand,
  DeleteUserPoolClientSecretCommand,
  DeleteUserPoolCommand,
  DescribeUserPoolClientCommand,
  DescribeUserPoolCommand,
  GetTokensFromRefreshTokenCommand,
  GetUserCommand,
  GroupExistsException,
  InitiateAuthCommand,
  InvalidParameterException,
  InvalidPasswordException,
  LimitExceededException,
  ListUserPoolClientSecretsCommand,
  NotAuthorizedException,
  RefreshTokenReuseException,
  ResourceNotFoundException,
  RevokeTokenCommand,
  SignUpCommand,
  UnsupportedTokenTypeException,
  UserNotConfirmedException,
  UserNotFoundException,
  UsernameExistsException,
  paginateListGroups,
  paginateListUserPoolClients,
  paginateListUserPools,
  paginateListUsers,
  paginateListUsersInGroup,
} from '@aws-sdk/client-cognito-identity-provider';
import { administrator, claims, createClient, createPool, newestCode, unique, wrongCode } from './cognate.mjs';

const password = 'Correct-horse-1';
const passwordFlow = ['ALLOW_USER_PASSWORD_AUTH', 'ALLOW_REFRESH_TOKEN_AUTH'];

/** Checks that a command fails with the SDK's class for a modelled error. */
async function fails(promise, Exception, message) {
  await assert.rejects(promise, (error) => {
    assert.ok(error instanceof Exception, `${error.name}: ${error.message}`);
    assert.ok(error instanceof CognitoIdentityProviderServiceException);
    assert.equal(error.$metadata.httpStatusCode, 400);
    assert.ok(error.$metadata.requestId, 'no request id');
    if (message) assert.equal(error.message, message);
    return true;
  });
}

describe('AWS SDK for JavaScript v3', () => {
  const sdk = administrator();
  let UserPoolId;
  let ClientId;

  before(async () => {
    UserPoolId = await createPool(sdk);
    ClientId = await createClient(sdk, UserPoolId, passwordFlow);
  });

  /** A confirmed user, made by an administrator. */
  async function addUser(pool = UserPoolId, Username = unique('alice')) {
    await sdk.send(new AdminCreateUserCommand({ UserPoolId: pool, Username, MessageAction: 'SUPPRESS' }));
    await sdk.send(new AdminSetUserPasswordCommand({ UserPoolId: pool, Username, Password: password, Permanent: true }));
    return Username;
  }

  async function signIn(Username, client = ClientId, more = {}) {
    const { AuthenticationResult } = await sdk.send(new InitiateAuthCommand({
      ClientId: client,
      AuthFlow: 'USER_PASSWORD_AUTH',
      AuthParameters: { USERNAME: Username, PASSWORD: password, ...more },
    }));
    return AuthenticationResult;
  }

  test('a pool and a client are described as they were made', async () => {
    const { UserPool } = await sdk.send(new DescribeUserPoolCommand({ UserPoolId }));
    assert.equal(UserPool.Id, UserPoolId);
    assert.match(UserPool.Id, /^us-east-1_[A-Za-z0-9]{9}$/);
    assert.equal(UserPool.Arn, `arn:aws:cognito-idp:us-east-1:123456789012:userpool/${UserPoolId}`);
    assert.ok(UserPool.CreationDate instanceof Date);
    assert.ok(Math.abs(UserPool.CreationDate - Date.now()) < 60_000);
    assert.deepEqual(UserPool.AutoVerifiedAttributes, ['email']);
    const { UserPoolClient } = await sdk.send(new DescribeUserPoolClientCommand({ UserPoolId, ClientId }));
    assert.match(UserPoolClient.ClientId, /^[a-z0-9]{26}$/);
    assert.deepEqual(new Set(UserPoolClient.ExplicitAuthFlows), new Set(passwordFlow));
    assert.equal(UserPoolClient.RefreshTokenValidity, 30);
    assert.equal(UserPoolClient.ClientSecret, undefined);
  });

  test('sign-up, confirmation, sign-in, GetUser', async () => {
    const Username = unique('alice');
    const email = `${Username}@example.com`;
    const signUp = new SignUpCommand({ ClientId, Username, Password: password, UserAttributes: [{ Name: 'email', Value: email }] });
    const signedUp = await sdk.send(signUp);
    assert.equal(signedUp.UserConfirmed, false);
    await fails(signIn(Username), UserNotConfirmedException, 'User is not confirmed.');
    await fails(sdk.send(signUp), UsernameExistsException, 'User already exists');

    const code = await newestCode(UserPoolId, email);
    await fails(
      sdk.send(new ConfirmSignUpCommand({ ClientId, Username, ConfirmationCode: wrongCode(code) })),
      CodeMismatchException,
      'Invalid verification code provided, please try again.',
    );
    await sdk.send(new ConfirmSignUpCommand({ ClientId, Username, ConfirmationCode: code }));

    const tokens = await signIn(Username);
    assert.equal(tokens.TokenType, 'Bearer');
    assert.equal(tokens.ExpiresIn, 3600);
    const user = await sdk.send(new GetUserCommand({ AccessToken: tokens.AccessToken }));
    assert.equal(user.Username, Username);
    const attributes = Object.fromEntries(user.UserAttributes.map((a) => [a.Name, a.Value]));
    assert.deepEqual(attributes, { sub: signedUp.UserSub, email, email_verified: 'true' });
  });

  test('refresh without rotation keeps the refresh token', async () => {
    const first = await signIn(await addUser());
    const request = new GetTokensFromRefreshTokenCommand({ ClientId, RefreshToken: first.RefreshToken });
    for (let i = 0; i < 2; i++) {
      const { AuthenticationResult } = await sdk.send(request);
      assert.equal(AuthenticationResult.RefreshToken, undefined);
      assert.equal(claims(AuthenticationResult.AccessToken).origin_jti, claims(first.AccessToken).origin_jti);
      assert.notEqual(claims(AuthenticationResult.AccessToken).jti, claims(first.AccessToken).jti);
    }
  });

  test('refresh with rotation gives a new refresh token and spends the old', async () => {
    const rotating = await createClient(sdk, UserPoolId, ['ALLOW_USER_PASSWORD_AUTH'], {
      RefreshTokenRotation: { Feature: 'ENABLED', RetryGracePeriodSeconds: 0 },
    });
    const first = await signIn(await addUser(), rotating);
    const refresh = (RefreshToken) => sdk.send(new GetTokensFromRefreshTokenCommand({ ClientId: rotating, RefreshToken }));
    const { AuthenticationResult: second } = await refresh(first.RefreshToken);
    assert.ok(second.RefreshToken);
    assert.notEqual(second.RefreshToken, first.RefreshToken);
    assert.equal(claims(second.AccessToken).origin_jti, claims(first.AccessToken).origin_jti);
    await fails(refresh(first.RefreshToken), RefreshTokenReuseException);
    const { AuthenticationResult: third } = await refresh(second.RefreshToken);
    assert.ok(third.RefreshToken);
  });

  test('within the grace period a client may repeat a refresh', async () => {
    const rotating = await createClient(sdk, UserPoolId, ['ALLOW_USER_PASSWORD_AUTH'], {
      RefreshTokenRotation: { Feature: 'ENABLED', RetryGracePeriodSeconds: 60 },
    });
    const first = await signIn(await addUser(), rotating);
    for (let i = 0; i < 2; i++) {
      const { AuthenticationResult } = await sdk.send(
        new GetTokensFromRefreshTokenCommand({ ClientId: rotating, RefreshToken: first.RefreshToken }));
      assert.ok(AuthenticationResult.RefreshToken);
    }
  });

  test('rotation and REFRESH_TOKEN_AUTH exclude each other', async () => {
    await fails(
      createClient(sdk, UserPoolId, passwordFlow, { RefreshTokenRotation: { Feature: 'ENABLED' } }),
      InvalidParameterException,
    );
  });

  test('a revoked refresh token takes its session along, and no other', async () => {
    const Username = await addUser();
    const ended = await signIn(Username);
    const other = await signIn(Username);
    await fails(
      sdk.send(new RevokeTokenCommand({ ClientId, Token: ended.AccessToken })),
      UnsupportedTokenTypeException,
    );
    await sdk.send(new RevokeTokenCommand({ ClientId, Token: ended.RefreshToken }));
    await fails(
      sdk.send(new GetTokensFromRefreshTokenCommand({ ClientId, RefreshToken: ended.RefreshToken })),
      NotAuthorizedException,
      'Refresh Token has been revoked',
    );
    await fails(
      sdk.send(new GetUserCommand({ AccessToken: ended.AccessToken })),
      NotAuthorizedException,
      'Access Token has been revoked',
    );
    await sdk.send(new GetUserCommand({ AccessToken: other.AccessToken }));
    await sdk.send(new GetTokensFromRefreshTokenCommand({ ClientId, RefreshToken: other.RefreshToken }));
  });

  test("a refresh token is good for its own client only", async () => {
    const tokens = await signIn(await addUser());
    const stranger = await createClient(sdk, UserPoolId, passwordFlow);
    await fails(
      sdk.send(new GetTokensFromRefreshTokenCommand({ ClientId: stranger, RefreshToken: tokens.RefreshToken })),
      NotAuthorizedException,
      'Invalid Refresh Token.',
    );
  });

  test('a client can have two secrets at a time', async () => {
    const { UserPoolClient: client } = await sdk.send(new CreateUserPoolClientCommand({
      UserPoolId, ClientName: unique('confidential'), GenerateSecret: true, ExplicitAuthFlows: passwordFlow,
    }));
    const ref = { UserPoolId, ClientId: client.ClientId };
    const Username = await addUser();
    const hash = (secret) => createHmac('sha256', secret).update(Username + client.ClientId).digest('base64');
    const signInBy = (secret) => signIn(Username, client.ClientId, secret ? { SECRET_HASH: hash(secret) } : {});
    const ids = async () => {
      const { ClientSecrets } = await sdk.send(new ListUserPoolClientSecretsCommand(ref));
      for (const s of ClientSecrets) assert.equal(s.ClientSecretValue, undefined, 'a list shows a secret');
      return ClientSecrets.map((s) => s.ClientSecretId);
    };

    assert.ok(client.ClientSecret);
    await fails(signInBy(null), NotAuthorizedException);
    await fails(signInBy('a secret of somebody else'), NotAuthorizedException);
    await signInBy(client.ClientSecret);
    const [first] = await ids();

    const { ClientSecretDescriptor: added } = await sdk.send(new AddUserPoolClientSecretCommand(ref));
    assert.ok(added.ClientSecretValue);
    assert.deepEqual(new Set(await ids()), new Set([first, added.ClientSecretId]));
    await signInBy(client.ClientSecret);
    await signInBy(added.ClientSecretValue);
    await fails(sdk.send(new AddUserPoolClientSecretCommand(ref)), LimitExceededException);

    await sdk.send(new DeleteUserPoolClientSecretCommand({ ...ref, ClientSecretId: first }));
    assert.deepEqual(await ids(), [added.ClientSecretId]);
    await fails(signInBy(client.ClientSecret), NotAuthorizedException);
    await signInBy(added.ClientSecretValue);
    await fails(
      sdk.send(new DeleteUserPoolClientSecretCommand({ ...ref, ClientSecretId: first })),
      ResourceNotFoundException,
    );
    await assert.rejects(sdk.send(new DeleteUserPoolClientSecretCommand({ ...ref, ClientSecretId: added.ClientSecretId })));
  });

  test('paginators walk every page once', async () => {
    const pool = await createPool(sdk);
    const names = [];
    for (let i = 0; i < 7; i++) {
      const Username = `${unique('page')}-${i}`;
      await sdk.send(new AdminCreateUserCommand({ UserPoolId: pool, Username, MessageAction: 'SUPPRESS' }));
      names.push(Username);
    }
    names.sort();
    const seen = [];
    const sizes = [];
    for await (const page of paginateListUsers({ client: sdk, pageSize: 3 }, { UserPoolId: pool })) {
      sizes.push(page.Users.length);
      seen.push(...page.Users.map((u) => u.Username));
    }
    assert.deepEqual(seen.toSorted(), names);
    assert.ok(sizes.length >= 3 && sizes.every((n) => n <= 3), `pages of ${sizes}`);

    const found = [];
    for await (const page of paginateListUsers({ client: sdk, pageSize: 2 }, { UserPoolId: pool, Filter: 'username ^= "page-"' })) {
      found.push(...page.Users.map((u) => u.Username));
    }
    assert.deepEqual(found.toSorted(), names);

    for (const GroupName of ['admins', 'editors', 'readers']) {
      await sdk.send(new CreateGroupCommand({ UserPoolId: pool, GroupName }));
    }
    await fails(sdk.send(new CreateGroupCommand({ UserPoolId: pool, GroupName: 'admins' })), GroupExistsException);
    const groups = [];
    for await (const page of paginateListGroups({ client: sdk, pageSize: 1 }, { UserPoolId: pool })) {
      groups.push(...page.Groups.map((g) => g.GroupName));
    }
    assert.deepEqual(groups.toSorted(), ['admins', 'editors', 'readers']);

    for (const Username of names.slice(0, 3)) {
      await sdk.send(new AdminAddUserToGroupCommand({ UserPoolId: pool, GroupName: 'editors', Username }));
    }
    const members = [];
    for await (const page of paginateListUsersInGroup({ client: sdk, pageSize: 2 }, { UserPoolId: pool, GroupName: 'editors' })) {
      members.push(...page.Users.map((u) => u.Username));
    }
    assert.deepEqual(members.toSorted(), names.slice(0, 3));

    const clients = new Set();
    for (let i = 0; i < 3; i++) clients.add(await createClient(sdk, pool, passwordFlow));
    const listed = [];
    for await (const page of paginateListUserPoolClients({ client: sdk, pageSize: 1 }, { UserPoolId: pool })) {
      listed.push(...page.UserPoolClients.map((c) => c.ClientId));
    }
    assert.deepEqual(listed.toSorted(), [...clients].toSorted());

    const pools = [];
    for await (const page of paginateListUserPools({ client: sdk, pageSize: 2 }, {})) {
      pools.push(...page.UserPools.map((p) => p.Id));
    }
    assert.ok(pools.includes(pool) && pools.includes(UserPoolId));
    assert.equal(new Set(pools).size, pools.length, 'a pool is listed twice');
  });

  describe('modelled errors are the SDK\'s classes', () => {
    const rows = [
      {
        name: 'unknown pool',
        command: () => new DescribeUserPoolCommand({ UserPoolId: 'us-east-1_000000000' }),
        Exception: ResourceNotFoundException,
        message: 'User pool us-east-1_000000000 does not exist.',
      },
      {
        name: 'unknown client',
        command: () => new InitiateAuthCommand({
          ClientId: '00000000000000000000000000', AuthFlow: 'USER_PASSWORD_AUTH', AuthParameters: { USERNAME: 'alice', PASSWORD: password },
        }),
        Exception: ResourceNotFoundException,
        message: 'User pool client 00000000000000000000000000 does not exist.',
      },
      {
        name: 'unknown user',
        command: () => new AdminGetUserCommand({ UserPoolId, Username: 'nobody' }),
        Exception: UserNotFoundException,
        message: 'User does not exist.',
      },
      {
        name: 'weak password',
        command: () => new SignUpCommand({ ClientId, Username: unique('weak'), Password: 'weakling' }),
        Exception: InvalidPasswordException,
      },
      {
        name: 'missing parameter',
        command: () => new InitiateAuthCommand({ ClientId, AuthFlow: 'USER_PASSWORD_AUTH', AuthParameters: { USERNAME: 'alice' } }),
        Exception: InvalidParameterException,
        message: 'Missing required parameter PASSWORD',
      },
      {
        name: 'garbage for an access token',
        command: () => new GetUserCommand({ AccessToken: 'not-a-token' }),
        Exception: NotAuthorizedException,
        message: 'Invalid Access Token',
      },
      {
        name: 'a constraint of the model',
        command: () => new SignUpCommand({ ClientId: 'bad id!', Username: 'alice', Password: password }),
        Exception: InvalidParameterException,
      },
    ];
    for (const { name, command, Exception, message } of rows) {
      test(name, () => fails(sdk.send(command()), Exception, message));
    }
  });

  test('a deleted pool is gone with its users and clients', async () => {
    const pool = await createPool(sdk);
    const client = await createClient(sdk, pool, passwordFlow);
    const tokens = await signIn(await addUser(pool), client);
    await sdk.send(new DeleteUserPoolCommand({ UserPoolId: pool }));
    await fails(sdk.send(new DescribeUserPoolCommand({ UserPoolId: pool })), ResourceNotFoundException);
    await fails(signIn('alice', client), ResourceNotFoundException);
    await assert.rejects(sdk.send(new GetUserCommand({ AccessToken: tokens.AccessToken })));
  });
});
