// What the suites share: where the server is, an administrator, the inbox.
// Run by test/clients, which starts the server and sets the environment.

import assert from 'node:assert/strict';
import { createHmac, randomBytes } from 'node:crypto';
import {
  CognitoIdentityProviderClient,
  CreateUserPoolClientCommand,
  CreateUserPoolCommand,
} from '@aws-sdk/client-cognito-identity-provider';

function fromEnv(name) {
  const value = process.env[name];
  if (!value) {
    throw new Error(`${name} is not set: run these suites with \`make test-clients\``);
  }
  return value;
}

export const endpoint = fromEnv('COGNATE_ENDPOINT');
const inbox = process.env.COGNATE_INBOX ?? `${endpoint}/_cognate/inbox`;

// A second server, whose tokens carry Cognito's own issuer.
export const awsIssuerEndpoint = process.env.COGNATE_AWS_ISSUER_ENDPOINT;

export const region = 'us-east-1';

/** The SDK as an administrator uses it. A development server takes any key. */
export function administrator(at = endpoint) {
  return new CognitoIdentityProviderClient({
    region,
    endpoint: at,
    credentials: { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'any secret will do' },
    maxAttempts: 1,
  });
}

/** A name that no other test uses. */
export function unique(prefix) {
  return `${prefix}-${randomBytes(6).toString('hex')}`;
}

/** What an authenticator app shows, steps of 30 seconds from now (RFC 6238). */
export function totp(secretCode, steps = 0) {
  let bits = '';
  for (const c of secretCode) bits += 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(c).toString(2).padStart(5, '0');
  const secret = Buffer.from(bits.match(/.{8}/g).map((b) => Number.parseInt(b, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + steps));
  const mac = createHmac('sha1', secret).update(counter).digest();
  const n = mac.readUInt32BE(mac.at(-1) & 0xf) & 0x7fffffff;
  return String(n % 1_000_000).padStart(6, '0');
}

/** Makes a pool that verifies e-mail addresses, and returns its id. */
export async function createPool(admin, settings = {}) {
  const { UserPool } = await admin.send(
    new CreateUserPoolCommand({
      PoolName: unique('pool'),
      AutoVerifiedAttributes: ['email'],
      ...settings,
    }),
  );
  return UserPool.Id;
}

/** Makes a public app client with the given flows, and returns its id. */
export async function createClient(admin, poolId, flows, settings = {}) {
  const { UserPoolClient } = await admin.send(
    new CreateUserPoolClientCommand({
      UserPoolId: poolId,
      ClientName: unique('client'),
      ExplicitAuthFlows: flows,
      PreventUserExistenceErrors: 'ENABLED',
      ...settings,
    }),
  );
  return UserPoolClient.ClientId;
}

/** The newest message to an address, waiting for it if it is on its way. */
export async function newestMessage(poolId, to) {
  const query = new URLSearchParams({ pool: poolId, to, medium: 'EMAIL', wait: '5s' });
  const response = await fetch(`${inbox}?${query}`);
  assert.equal(response.status, 200, `inbox: ${response.status}`);
  const { messages } = await response.json();
  assert.ok(messages.length > 0, `no message to ${to}`);
  return messages[0];
}

/** The code in the newest message to an address. */
export async function newestCode(poolId, to) {
  const { code, body } = await newestMessage(poolId, to);
  assert.match(code, /^\d{6}$/);
  assert.ok(body.includes(code), 'the body does not show the code');
  return code;
}

/** A code of the right form that is not this one. */
export function wrongCode(code) {
  return String((Number(code) + 1) % 1_000_000).padStart(6, '0');
}

/** The payload of a token, unverified. */
export function claims(token) {
  return JSON.parse(Buffer.from(token.split('.')[1], 'base64url').toString('utf8'));
}

/** Where amazon-cognito-identity-js keeps a user's tokens: one for each, as in separate browsers. */
export class Storage {
  #items = new Map();
  setItem(key, value) { this.#items.set(key, String(value)); }
  getItem(key) { return this.#items.get(key) ?? null; }
  removeItem(key) { this.#items.delete(key); }
  clear() { this.#items.clear(); }
}
