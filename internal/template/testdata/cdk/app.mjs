// A user pool with a trigger, groups, an app client, a domain and an identity pool, as an application of CDK
// declares them. `npx cdk synth` in this folder writes cdk.out.
import { App, CfnOutput, Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import {
  AccountRecovery, CfnIdentityPool, CfnIdentityPoolRoleAttachment, CfnUserPoolGroup, LambdaVersion, Mfa, OAuthScope,
  ResourceServerScope, StringAttribute, UserPool, UserPoolClientIdentityProvider, UserPoolOperation,
} from 'aws-cdk-lib/aws-cognito';
import { FederatedPrincipal, PolicyStatement, Role } from 'aws-cdk-lib/aws-iam';
import { Code, Function, Runtime } from 'aws-cdk-lib/aws-lambda';
import { Bucket } from 'aws-cdk-lib/aws-s3';

const app = new App({ analyticsReporting: false });
const stack = new Stack(app, 'Shop');

const preSignUp = new Function(stack, 'PreSignUp', {
  runtime: Runtime.NODEJS_22_X,
  handler: 'index.handler',
  code: Code.fromAsset('functions/pre-sign-up'),
  environment: { GREETING: 'hello' },
});
const claims = new Function(stack, 'Claims', {
  runtime: Runtime.NODEJS_22_X,
  handler: 'index.handler',
  code: Code.fromInline("exports.handler = async (event) => {\n  event.response = { claimsAndScopeOverrideDetails: { accessTokenGeneration: { claimsToAddOrOverride: { shop: 'main' } } } };\n  return event;\n};\n"),
});

const pool = new UserPool(stack, 'Pool', {
  selfSignUpEnabled: true,
  signInAliases: { email: true },
  autoVerify: { email: true },
  standardAttributes: { email: { required: true, mutable: true } },
  customAttributes: { tier: new StringAttribute({ mutable: true, maxLen: 20 }) },
  mfa: Mfa.OPTIONAL,
  mfaSecondFactor: { otp: true, sms: false },
  passwordPolicy: { minLength: 10, requireSymbols: false, tempPasswordValidity: Duration.days(3) },
  accountRecovery: AccountRecovery.EMAIL_ONLY,
  removalPolicy: RemovalPolicy.DESTROY,
});
pool.addTrigger(UserPoolOperation.PRE_SIGN_UP, preSignUp);
pool.addTrigger(UserPoolOperation.PRE_TOKEN_GENERATION_CONFIG, claims, LambdaVersion.V2_0);
pool.addDomain('Domain', { cognitoDomain: { domainPrefix: 'shop-cdk' } });

const read = new ResourceServerScope({ scopeName: 'read', scopeDescription: 'Read orders' });
const orders = pool.addResourceServer('Orders', { identifier: 'orders', scopes: [read] });
const web = pool.addClient('Web', {
  authFlows: { userPassword: true, userSrp: true },
  oAuth: {
    flows: { authorizationCodeGrant: true },
    scopes: [OAuthScope.OPENID, OAuthScope.EMAIL, OAuthScope.resourceServer(orders, read)],
    callbackUrls: ['http://localhost:3000/'],
    logoutUrls: ['http://localhost:3000/'],
  },
  supportedIdentityProviders: [UserPoolClientIdentityProvider.COGNITO],
  accessTokenValidity: Duration.minutes(30),
  preventUserExistenceErrors: true,
});

const identities = new CfnIdentityPool(stack, 'Identities', {
  allowUnauthenticatedIdentities: true,
  cognitoIdentityProviders: [{ clientId: web.userPoolClientId, providerName: pool.userPoolProviderName }],
});
const federated = (kind) => new FederatedPrincipal('cognito-identity.amazonaws.com', {
  StringEquals: { 'cognito-identity.amazonaws.com:aud': identities.ref },
  'ForAnyValue:StringLike': { 'cognito-identity.amazonaws.com:amr': kind },
}, 'sts:AssumeRoleWithWebIdentity');
const bucket = new Bucket(stack, 'Files');
const member = new Role(stack, 'Member', { assumedBy: federated('authenticated') });
member.addToPolicy(new PolicyStatement({ actions: ['s3:GetObject'], resources: [bucket.arnForObjects('${cognito-identity.amazonaws.com:sub}/*')] }));
const guest = new Role(stack, 'Guest', { assumedBy: federated('unauthenticated') });
new CfnIdentityPoolRoleAttachment(stack, 'Roles', {
  identityPoolId: identities.ref,
  roles: { authenticated: member.roleArn, unauthenticated: guest.roleArn },
});
new CfnUserPoolGroup(stack, 'Admins', { userPoolId: pool.userPoolId, groupName: 'admins', precedence: 1, roleArn: member.roleArn });

new CfnOutput(stack, 'UserPoolId', { value: pool.userPoolId });
new CfnOutput(stack, 'WebClientId', { value: web.userPoolClientId });
new CfnOutput(stack, 'IdentityPoolId', { value: identities.ref });
