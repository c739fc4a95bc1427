// The application under test: Amplify, bundled as a team would, with its
// functions where the suite can call them.

import { Amplify } from 'aws-amplify';
import * as auth from 'aws-amplify/auth';

const plain = (value) => JSON.parse(JSON.stringify(value ?? null));

window.configure = (Cognito) => Amplify.configure({ Auth: { Cognito } });

/** Calls a function of aws-amplify/auth; errors come out by name. */
window.call = async (name, input) => {
  try {
    return { value: plain(await auth[name](input)) };
  } catch (error) {
    return { error: error.name, message: error.message };
  }
};

/** The tokens of the session as they are sent. */
window.tokens = async (options) => {
  const { tokens } = await auth.fetchAuthSession(options);
  return tokens && { access: tokens.accessToken.toString(), id: tokens.idToken.toString(), payload: plain(tokens.accessToken.payload) };
};
