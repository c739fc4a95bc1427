// Access by attributes: each person has the folder of the own department. The role's policy names
// no person and no department; the user pool's attribute decides.

import { CognitoIdentityProviderClient, InitiateAuthCommand } from '@aws-sdk/client-cognito-identity-provider';
import { GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { fromCognitoIdentityPool } from '@aws-sdk/credential-providers';
import { bucket, endpoint, isProgram, password, region, settings, store } from './settings.mjs';

const users = new CognitoIdentityProviderClient({ region, endpoint });

/** Signs a person in, and returns the tokens. */
export async function signIn(username) {
  const { AuthenticationResult } = await users.send(
    new InitiateAuthCommand({ ClientId: settings().clientId, AuthFlow: 'USER_PASSWORD_AUTH', AuthParameters: { USERNAME: username, PASSWORD: password } }),
  );
  return AuthenticationResult;
}

/** The store, as a person sees it. */
export async function storeOf(username) {
  const { IdToken } = await signIn(username);
  const { identityPoolId, provider } = settings();
  return store(fromCognitoIdentityPool({ identityPoolId, logins: { [provider]: IdToken }, clientConfig: { region, endpoint } }));
}

export const write = (s3, Key, Body) => s3.send(new PutObjectCommand({ Bucket: bucket, Key, Body }));

export const read = async (s3, Key) => (await s3.send(new GetObjectCommand({ Bucket: bucket, Key }))).Body.transformToString();

if (isProgram(import.meta)) {
  const [ann, bob] = [await storeOf('ann'), await storeOf('bob')];
  await write(ann, 'departments/legal/contract.txt', 'from ann, of legal');
  console.log('ann reads:', await read(ann, 'departments/legal/contract.txt'));
  await read(bob, 'departments/legal/contract.txt').catch((error) => console.log('bob, of sales, is refused:', error.name));
}
