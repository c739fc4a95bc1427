// An API that takes access tokens of one app client of a user pool: everybody reads the own
// orders, and the group "staff" reads the report.

import { createServer } from 'node:http';
import { JwtVerifier } from 'aws-jwt-verify';
import { SimpleJwksCache } from 'aws-jwt-verify/jwk';

/** Returns the API's server, which does not listen yet. */
export function createAPI({ issuer, clientId }) {
  const verifier = JwtVerifier.create(
    {
      issuer,
      audience: null, // Cognito's access tokens name the app client in client_id.
      jwksUri: `${issuer}/.well-known/jwks.json`,
      customJwtCheck({ payload }) {
        if (payload.token_use !== 'access' || payload.client_id !== clientId) throw new Error('another token');
      },
    },
    { jwksCache: new SimpleJwksCache({ fetcher: { fetch: fetchKeys } }) },
  );

  return createServer(async (request, response) => {
    const answer = (status, value) => response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(value));
    let claims;
    try {
      claims = await verifier.verify(request.headers.authorization?.replace(/^Bearer /, '') ?? '');
    } catch {
      return answer(401, { message: 'sign in first' });
    }
    switch (request.url) {
      case '/orders':
        return answer(200, { user: claims.username, orders: [] });
      case '/report':
        if (!claims['cognito:groups']?.includes('staff')) return answer(403, { message: 'only staff reads the report' });
        return answer(200, { orders: 0 });
    }
    return answer(404, { message: 'not found' });
  });
}

/** Fetches the issuer's keys. The library's own fetcher takes https only, and a development server speaks http. */
async function fetchKeys(url) {
  const response = await fetch(url, { signal: AbortSignal.timeout(5_000) });
  if (!response.ok) throw new Error(`${url}: ${response.status}`);
  return response.arrayBuffer();
}
