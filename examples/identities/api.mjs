// An API that takes access tokens of the user pool: the authorizer of a serverless API, in a few
// lines. Settings: PORT (3001).

import { createServer } from 'node:http';
import { JwtVerifier } from 'aws-jwt-verify';
import { endpoint, isProgram, settings } from './settings.mjs';

/** Starts the API and returns its server. */
export async function startAPI(port) {
  const { userPoolId, clientId } = settings();
  const issuer = `${endpoint}/${userPoolId}`;
  const verifier = JwtVerifier.create({ issuer, audience: null, jwksUri: `${issuer}/.well-known/jwks.json` });
  // The library fetches keys over https alone. Behind TLS this line is not needed.
  verifier.cacheJwks(await (await fetch(`${issuer}/.well-known/jwks.json`)).json());

  /** Returns the claims of an access token for this application, or throws. */
  const authorize = async (header) => {
    const claims = await verifier.verify(header?.replace(/^Bearer /, '') ?? '');
    if (claims.token_use !== 'access' || claims.client_id !== clientId) throw new Error('another token');
    return claims;
  };

  const server = createServer(async (request, response) => {
    try {
      const { username } = await authorize(request.headers.authorization);
      response.end(`orders of ${username}\n`);
    } catch {
      response.writeHead(401).end('sign in first\n');
    }
  });
  await new Promise((listening) => server.listen(port, 'localhost', listening));
  return server;
}

if (isProgram(import.meta)) {
  const port = Number(process.env.PORT ?? 3001);
  await startAPI(port);
  const { signIn } = await import('./departments.mjs');
  const { AccessToken } = await signIn('ann');
  console.log(`curl -H 'Authorization: Bearer ${AccessToken}' http://localhost:${port}/orders`);
}
