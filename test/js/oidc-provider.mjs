// Runs oidc-provider, unmodified, as an identity provider: OIDC_PROVIDER is a JSON object with
// issuer, port, callback and secret. A client's ID is the algorithm of its ID tokens.

import Provider from 'oidc-provider';

const { issuer, port, callback, secret } = JSON.parse(process.env.OIDC_PROVIDER);
const algorithms = ['RS256', 'PS256', 'ES256', 'HS256'];

const provider = new Provider(issuer, {
  clients: algorithms.map((algorithm) => ({
    client_id: algorithm,
    client_secret: secret,
    redirect_uris: [callback],
    id_token_signed_response_alg: algorithm,
    token_endpoint_auth_method: 'client_secret_post',
  })),
  enabledJWA: { idTokenSigningAlgValues: algorithms },
  jwks: { keys: await Promise.all([
    key('rsa', { name: 'RSASSA-PKCS1-v1_5', modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]), hash: 'SHA-256' }),
    key('ec', { name: 'ECDSA', namedCurve: 'P-256' }),
  ]) },
  claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name', 'groups'] },
  pkce: { required: () => true },
  cookies: { keys: ['one machine', 'one test'] },
  findAccount: (_, id) => ({
    accountId: id,
    claims: () => ({ sub: id, email: id, email_verified: true, name: 'Ann Lee', groups: ['a b', 'c'] }),
  }),
});

/** Makes a private key that signs by any algorithm of its type. */
async function key(kid, algorithm) {
  const pair = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const { kty, n, e, d, p, q, dp, dq, qi, crv, x, y } = await crypto.subtle.exportKey('jwk', pair.privateKey);
  return { kid, use: 'sig', ...Object.fromEntries(Object.entries({ kty, n, e, d, p, q, dp, dq, qi, crv, x, y }).filter(([, v]) => v)) };
}

provider.listen(Number(port), '127.0.0.1');
