// The user pool of the example: a second factor is required, and a passkey counts as both.
// A second start finds the pool again by its domain.

import {
  CognitoIdentityProviderClient,
  CreateUserPoolClientCommand,
  CreateUserPoolCommand,
  CreateUserPoolDomainCommand,
  DescribeUserPoolClientCommand,
  DescribeUserPoolDomainCommand,
  ListUserPoolClientsCommand,
  SetUserPoolMfaConfigCommand,
} from '@aws-sdk/client-cognito-identity-provider';

const settings = {
  ClientName: 'Example shop',
  GenerateSecret: true,
  AllowedOAuthFlowsUserPoolClient: true,
  AllowedOAuthFlows: ['code'],
  AllowedOAuthScopes: ['openid', 'email'],
  SupportedIdentityProviders: ['COGNITO'],
  PreventUserExistenceErrors: 'ENABLED',
  ExplicitAuthFlows: ['ALLOW_USER_AUTH', 'ALLOW_REFRESH_TOKEN_AUTH'],
};

/** Returns the pool's id, its issuer, the base of its login pages, and the application's client. */
export async function preparePool(endpoint, application, domain = 'example') {
  const admin = new CognitoIdentityProviderClient({
    region: 'us-east-1',
    endpoint,
    credentials: { accessKeyId: 'dev', secretAccessKey: 'dev' },
  });
  const { DomainDescription } = await admin.send(new DescribeUserPoolDomainCommand({ Domain: domain }));
  const UserPoolId = DomainDescription.UserPoolId ?? (await createPool(admin, domain));
  const client = await findClient(admin, UserPoolId, application);
  // Passkeys belong to the domain's own host. Browsers resolve it to this machine.
  const pages = new URL(endpoint);
  pages.hostname = `${domain}.auth.localhost`;
  return { poolId: UserPoolId, issuer: `${endpoint}/${UserPoolId}`, pages: pages.origin, clientId: client.ClientId, clientSecret: client.ClientSecret };
}

async function createPool(admin, Domain) {
  const { UserPool } = await admin.send(
    new CreateUserPoolCommand({
      PoolName: 'Example',
      AutoVerifiedAttributes: ['email'],
      Schema: [{ Name: 'email', Required: true }],
      Policies: { SignInPolicy: { AllowedFirstAuthFactors: ['PASSWORD', 'WEB_AUTHN'] } },
    }),
  );
  const UserPoolId = UserPool.Id;
  await admin.send(
    new SetUserPoolMfaConfigCommand({
      UserPoolId,
      MfaConfiguration: 'ON',
      SoftwareTokenMfaConfiguration: { Enabled: true },
      WebAuthnConfiguration: { UserVerification: 'required', FactorConfiguration: 'MULTI_FACTOR_WITH_USER_VERIFICATION' },
    }),
  );
  await admin.send(new CreateUserPoolDomainCommand({ UserPoolId, Domain, ManagedLoginVersion: 2 }));
  return UserPoolId;
}

/** Finds the client that returns to the application, or makes it. */
async function findClient(admin, UserPoolId, application) {
  const CallbackURLs = [`${application}/callback`];
  const { UserPoolClients } = await admin.send(new ListUserPoolClientsCommand({ UserPoolId, MaxResults: 60 }));
  for (const { ClientId } of UserPoolClients) {
    const { UserPoolClient } = await admin.send(new DescribeUserPoolClientCommand({ UserPoolId, ClientId }));
    if (UserPoolClient.CallbackURLs?.includes(CallbackURLs[0])) return UserPoolClient;
  }
  const { UserPoolClient } = await admin.send(
    new CreateUserPoolClientCommand({ UserPoolId, ...settings, CallbackURLs, LogoutURLs: [`${application}/`] }),
  );
  return UserPoolClient;
}
