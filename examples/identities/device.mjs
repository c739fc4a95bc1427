// A device with an identity of the developer's own (Cognito: developer authenticated identities).
// The developer's server knows its devices, and asks for a token for one of them. The device gets
// credentials with the token alone, and writes what it has measured into its own folder.
//
// At AWS such a device could also speak MQTT over WebSockets, with a signature of its credentials.
// Cognate has no MQTT broker. A broker of your own can take the device's OpenID token as a
// password: its issuer and keys are public.

import { CognitoIdentityClient, GetOpenIdTokenForDeveloperIdentityCommand } from '@aws-sdk/client-cognito-identity';
import { fromCognitoIdentity } from '@aws-sdk/credential-providers';
import { write } from './departments.mjs';
import { administrator, developerProvider, endpoint, isProgram, region, settings, store } from './settings.mjs';

/** On the developer's server: returns the identity and a token for a device that it has recognized. */
export async function tokenFor(serialNumber) {
  const identities = new CognitoIdentityClient(administrator);
  const { IdentityId, Token } = await identities.send(
    new GetOpenIdTokenForDeveloperIdentityCommand({
      IdentityPoolId: settings().identityPoolId, Logins: { [developerProvider]: serialNumber }, TokenDuration: 900,
    }),
  );
  return { identityId: IdentityId, token: Token };
}

/** On the device: returns the store as the device sees it. */
export function deviceStore({ identityId, token }) {
  const logins = { 'cognito-identity.amazonaws.com': token };
  return store(fromCognitoIdentity({ identityId, logins, clientConfig: { region, endpoint } }));
}

if (isProgram(import.meta)) {
  const one = await tokenFor('SN-1');
  const device = deviceStore(one);
  await write(device, `devices/${one.identityId}/temperature.json`, JSON.stringify({ celsius: 21.5 }));
  console.log('the device has written to', `devices/${one.identityId}/`);
  const other = await tokenFor('SN-2');
  await write(device, `devices/${other.identityId}/temperature.json`, 'x').catch((error) => console.log('in the folder of another device it is refused:', error.name));
}
