// Starts Cognate in a container, for tests of an application in Node.js.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { CognitoIdentityProviderClient, InitiateAuthCommand } from '@aws-sdk/client-cognito-identity-provider';
import { JwtVerifier } from 'aws-jwt-verify';
import { GenericContainer, Wait } from 'testcontainers';

// The issuer of the tokens. Its port is that of the container, whichever port of this machine leads to it.
const issuer = 'http://localhost:9229/us-east-1_shop1';
const seed = fileURLToPath(new URL('../seed.yaml', import.meta.url));
let container, endpoint;

before(async () => {
  container = await new GenericContainer('cognate')
    .withCommand(['dev', '--expose', '--listen', ':9229', '--issuer-base', 'http://localhost:9229', '--seed', '/seed.yaml'])
    .withCopyFilesToContainer([{ source: seed, target: '/seed.yaml', mode: 0o444 }])
    .withExposedPorts(9229)
    .withWaitStrategy(Wait.forHttp('/_cognate/health', 9229))
    .start();
  endpoint = `http://${container.getHost()}:${container.getMappedPort(9229)}`;
});

after(() => container?.stop());

test('aws-jwt-verify accepts the access token of a user of the seed', async () => {
  const users = new CognitoIdentityProviderClient({ region: 'us-east-1', endpoint });
  const { AuthenticationResult } = await users.send(
    new InitiateAuthCommand({
      ClientId: 'shopweb', AuthFlow: 'USER_PASSWORD_AUTH', AuthParameters: { USERNAME: 'ann', PASSWORD: 'Correct-horse-1' },
    }),
  );
  const verifier = JwtVerifier.create({ issuer, audience: null });
  verifier.cacheJwks(await (await fetch(`${endpoint}/us-east-1_shop1/.well-known/jwks.json`)).json());
  const { username } = await verifier.verify(AuthenticationResult.AccessToken);
  assert.equal(username, 'ann');
});
