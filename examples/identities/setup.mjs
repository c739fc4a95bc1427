// Makes a user pool with ann (legal) and bob (sales), an identity pool, and three roles: of guests,
// of devices and of people. Writes settings.json for the other programs.

import { writeFileSync } from 'node:fs';
import {
  CognitoIdentityClient, CreateIdentityPoolCommand, SetIdentityPoolRolesCommand, SetPrincipalTagAttributeMapCommand,
} from '@aws-sdk/client-cognito-identity';
import {
  AdminCreateUserCommand, AdminSetUserPasswordCommand, CognitoIdentityProviderClient, CreateUserPoolClientCommand, CreateUserPoolCommand,
} from '@aws-sdk/client-cognito-identity-provider';
import { CreateRoleCommand, IAMClient, PutRolePolicyCommand } from '@aws-sdk/client-iam';
import { administrator, bucket, developerProvider, isProgram, password, region, settingsFile } from './settings.mjs';

const users = new CognitoIdentityProviderClient(administrator);
const identities = new CognitoIdentityClient(administrator);
const iam = new IAMClient(administrator);

export async function setUp() {
  const { UserPool } = await users.send(
    new CreateUserPoolCommand({ PoolName: 'people', Schema: [{ Name: 'department', AttributeDataType: 'String', Mutable: true }] }),
  );
  const UserPoolId = UserPool.Id;
  const { UserPoolClient } = await users.send(
    new CreateUserPoolClientCommand({ UserPoolId, ClientName: 'app', ExplicitAuthFlows: ['ALLOW_USER_PASSWORD_AUTH', 'ALLOW_REFRESH_TOKEN_AUTH'] }),
  );
  for (const [Username, Value] of [['ann', 'legal'], ['bob', 'sales']]) {
    const UserAttributes = [{ Name: 'custom:department', Value }];
    await users.send(new AdminCreateUserCommand({ UserPoolId, Username, UserAttributes, MessageAction: 'SUPPRESS' }));
    await users.send(new AdminSetUserPasswordCommand({ UserPoolId, Username, Password: password, Permanent: true }));
  }

  const provider = `cognito-idp.${region}.amazonaws.com/${UserPoolId}`;
  const { IdentityPoolId } = await identities.send(
    new CreateIdentityPoolCommand({
      IdentityPoolName: 'everybody', AllowUnauthenticatedIdentities: true, DeveloperProviderName: developerProvider,
      CognitoIdentityProviders: [{ ProviderName: provider, ClientId: UserPoolClient.ClientId }],
    }),
  );
  // The department of a person becomes a tag of the person's credentials.
  await identities.send(
    new SetPrincipalTagAttributeMapCommand({ IdentityPoolId, IdentityProviderName: provider, PrincipalTags: { department: 'custom:department' } }),
  );

  const object = (path) => `arn:aws:s3:::${bucket}/${path}`;
  const roles = {
    // What is public, and nothing else.
    guests: await createRole(IdentityPoolId, 'guests', 'unauthenticated', { Action: 's3:GetObject', Resource: object('public/*') }),
    // The folder that has the identity's name: a device's own.
    authenticated: await createRole(IdentityPoolId, 'members', 'authenticated', [
      { Action: 's3:PutObject', Resource: object('devices/${cognito-identity.amazonaws.com:sub}/*') },
      // The folder of the department. Nobody's policy changes if a person moves to another one.
      { Action: ['s3:GetObject', 's3:PutObject'], Resource: object('departments/${aws:PrincipalTag/department}/*') },
      { Action: 's3:PutObject', Resource: object('public/*') },
    ]),
  };
  await identities.send(
    new SetIdentityPoolRolesCommand({ IdentityPoolId, Roles: { authenticated: roles.authenticated, unauthenticated: roles.guests } }),
  );
  const made = { userPoolId: UserPoolId, clientId: UserPoolClient.ClientId, identityPoolId: IdentityPoolId, provider };
  writeFileSync(settingsFile, JSON.stringify(made, null, 2));
  return made;
}

/** Makes a role for identities of the pool that have signed in by a method. */
async function createRole(pool, RoleName, method, statements) {
  const trust = {
    Version: '2012-10-17',
    Statement: {
      Effect: 'Allow',
      Principal: { Federated: 'cognito-identity.amazonaws.com' },
      Action: ['sts:AssumeRoleWithWebIdentity', 'sts:TagSession'],
      Condition: {
        StringEquals: { 'cognito-identity.amazonaws.com:aud': pool },
        'ForAnyValue:StringLike': { 'cognito-identity.amazonaws.com:amr': method },
      },
    },
  };
  const { Role } = await iam.send(new CreateRoleCommand({ RoleName, AssumeRolePolicyDocument: JSON.stringify(trust) }));
  const policy = { Version: '2012-10-17', Statement: [statements].flat().map((s) => ({ Effect: 'Allow', ...s })) };
  await iam.send(new PutRolePolicyCommand({ RoleName, PolicyName: 'store', PolicyDocument: JSON.stringify(policy) }));
  return Role.Arn;
}

if (isProgram(import.meta)) {
  console.log(await setUp());
}
