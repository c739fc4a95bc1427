// What the page does with Amplify. Amplify needs one setting to use another server than AWS:
// userPoolEndpoint.

import { Amplify } from 'aws-amplify';
import { confirmSignUp, fetchAuthSession, signIn, signOut, signUp } from 'aws-amplify/auth';

export function configure({ endpoint, ...pool }) {
  Amplify.configure({ Auth: { Cognito: { ...pool, userPoolEndpoint: endpoint } } });
}

/** Signs a new user up. Returns the address that gets the code, such as "c***@e***". */
export async function register(username, password, email) {
  const { nextStep } = await signUp({ username, password, options: { userAttributes: { email } } });
  return nextStep.codeDeliveryDetails.destination;
}

export const confirm = (username, confirmationCode) => confirmSignUp({ username, confirmationCode });

/** Signs a user in by SRP. Returns the name and the groups that the access token has. */
export async function enter(username, password) {
  const { nextStep } = await signIn({ username, password });
  if (nextStep.signInStep !== 'DONE') throw new Error(`the page does not know the step ${nextStep.signInStep}`);
  return whoIsSignedIn();
}

/** Returns the name and the groups that the access token has, or undefined. */
export async function whoIsSignedIn() {
  const { tokens } = await fetchAuthSession();
  return tokens && { username: tokens.accessToken.payload.username, groups: tokens.accessToken.payload['cognito:groups'] ?? [] };
}

export const leave = () => signOut();
