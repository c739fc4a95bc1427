// Amplify v6, configured by the files that the server writes of a template.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { Amplify } from 'aws-amplify';
import { fetchAuthSession, signIn, signOut, signUp } from 'aws-amplify/auth';
import { endpoint, unique } from './cognate.mjs';

const folder = process.env.COGNATE_TEST_OUTPUTS;
const password = 'Correct-horse-1';

const files = {
  'amplify_outputs.json': async () => JSON.parse(await readFile(`${folder}/amplify_outputs.json`, 'utf8')),
  'aws-exports.js': async () => (await import(pathToFileURL(`${folder}/aws-exports.mjs`))).default,
};

for (const [name, read] of Object.entries(files)) {
  describe(`Amplify with ${name}`, () => {
    let outputs;

    before(async () => {
      outputs = await read();
      Amplify.configure(outputs);
    });

    after(() => signOut());

    test('the ids are where applications look for them', () => {
      const { userPoolId, userPoolClientId, identityPoolId, userPoolEndpoint, loginWith } = Amplify.getConfig().Auth.Cognito;
      assert.equal(userPoolEndpoint, endpoint);
      assert.equal(loginWith.oauth.domain.split(':')[1], new URL(process.env.COGNATE_HTTPS_ENDPOINT).port);
      const auth = outputs.auth ?? {};
      assert.equal(auth.user_pool_id ?? outputs.aws_user_pools_id, userPoolId);
      assert.equal(auth.user_pool_client_id ?? outputs.aws_user_pools_web_client_id, userPoolClientId);
      assert.equal(auth.identity_pool_id ?? outputs.aws_cognito_identity_pool_id, identityPoolId);
    });

    test('a guest, a sign-up, a sign-in, credentials', async () => {
      const guest = await fetchAuthSession();
      assert.match(guest.credentials.accessKeyId, /^ASIA/);
      assert.equal(guest.tokens, undefined);

      const username = `${unique('alice')}@shop.example`;
      const { isSignUpComplete } = await signUp({ username, password, options: { userAttributes: { email: username } } });
      assert.equal(isSignUpComplete, true);
      const { isSignedIn } = await signIn({ username, password });
      assert.equal(isSignedIn, true);
      const member = await fetchAuthSession();
      assert.equal(member.tokens.idToken.payload.email, username);
      assert.match(member.credentials.accessKeyId, /^ASIA/);
      assert.match(member.identityId, /^us-east-1:/);
    });
  });
}
