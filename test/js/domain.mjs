// What the suites of relying parties share: a pool with a domain, its app
// clients and people, and a browser without a window.

import assert from 'node:assert/strict';
import {
  AdminCreateUserCommand,
  AdminSetUserPasswordCommand,
  CreateResourceServerCommand,
  CreateUserPoolClientCommand,
  CreateUserPoolDomainCommand,
} from '@aws-sdk/client-cognito-identity-provider';
import { createPool, endpoint, unique } from './cognate.mjs';

export const password = 'Correct-horse-1';

/** Makes a pool with a domain and the resource server "orders". Returns the pool's id and its issuer. */
export async function createIssuer(admin) {
  const poolId = await createPool(admin);
  await admin.send(new CreateUserPoolDomainCommand({ UserPoolId: poolId, Domain: unique('shop'), ManagedLoginVersion: 2 }));
  await admin.send(
    new CreateResourceServerCommand({
      UserPoolId: poolId,
      Identifier: 'orders',
      Name: 'orders',
      Scopes: [{ ScopeName: 'read', ScopeDescription: 'read' }],
    }),
  );
  return { poolId, issuer: `${endpoint}/${poolId}` };
}

/** Makes an app client for the domain, with a secret unless told otherwise. Returns its id and secret. */
export async function createOAuthClient(admin, poolId, settings) {
  const { UserPoolClient } = await admin.send(
    new CreateUserPoolClientCommand({
      UserPoolId: poolId,
      ClientName: unique('client'),
      GenerateSecret: true,
      AllowedOAuthFlowsUserPoolClient: true,
      AllowedOAuthFlows: ['code'],
      SupportedIdentityProviders: ['COGNITO'],
      ...settings,
    }),
  );
  return { id: UserPoolClient.ClientId, secret: UserPoolClient.ClientSecret };
}

/** Makes an app client that signs in as itself. */
export function createMachine(admin, poolId) {
  return createOAuthClient(admin, poolId, {
    AllowedOAuthFlows: ['client_credentials'],
    AllowedOAuthScopes: ['orders/read'],
    SupportedIdentityProviders: undefined,
  });
}

/** Makes a confirmed user and returns the username. */
export async function createPerson(admin, poolId) {
  const username = unique('alice');
  await admin.send(
    new AdminCreateUserCommand({
      UserPoolId: poolId,
      Username: username,
      MessageAction: 'SUPPRESS',
      UserAttributes: [
        { Name: 'name', Value: 'Alice Example' },
        { Name: 'email', Value: `${username}@example.com` },
        { Name: 'email_verified', Value: 'true' },
      ],
    }),
  );
  await admin.send(new AdminSetUserPasswordCommand({ UserPoolId: poolId, Username: username, Password: password, Permanent: true }));
  return username;
}

/** A browser without a window: it keeps cookies, follows redirects, and fills in the sign-in form. */
export class Browser {
  #cookies = new Map();
  #applications;

  /** Applications are functions from a Request to a Response, by their origin. They listen nowhere. */
  constructor(applications = {}) {
    this.#applications = applications;
  }

  /** Follows an address to its last redirect. An address outside of this machine ends it, and has no response. */
  async visit(address, init = {}) {
    let url = new URL(address);
    for (let hops = 0; hops < 10; hops++) {
      const send = this.#applications[url.origin] ?? (['127.0.0.1', 'localhost'].includes(url.hostname) ? fetch : undefined);
      if (!send) return { url };
      const request = new Request(url, { ...init, redirect: 'manual' });
      request.headers.set('cookie', this.#cookiesOf(url));
      const response = await send(request);
      this.#keep(url, response.headers.getSetCookie());
      const location = response.headers.get('location');
      if (!location) return { url, response };
      url = new URL(location, url);
      init = {};
    }
    throw new Error(`too many redirects, to ${url}`);
  }

  /** Sends the form of a sign-in page, and follows the answer. */
  async signIn({ url, response }, username) {
    const page = await response.text();
    const csrf = page.match(/name="_csrf" value="([^"]+)"/)?.[1];
    assert.ok(csrf, `no sign-in form at ${url}: ${page}`);
    return this.visit(url, { method: 'POST', body: new URLSearchParams({ _csrf: csrf, username, password }) });
  }

  /** Opens an authorization request, signs in on the page that it leads to, and returns the address of the callback. */
  async authorize(request, username) {
    const { url, response } = await this.signIn(await this.visit(request), username);
    assert.ok(!response, `sign-in ended at ${url}`);
    return url;
  }

  /** The Cookie header for an address. Cookies are a host's, whatever the port (RFC 6265 §8.5). */
  #cookiesOf({ hostname, pathname }) {
    return [...this.#cookies.values()]
      .filter((c) => c.hostname === hostname && pathname.startsWith(c.path))
      .map((c) => c.pair)
      .join('; ');
  }

  #keep({ hostname }, headers) {
    for (const header of headers) {
      const [pair, ...attributes] = header.split(/; */);
      const read = (name) => attributes.find((a) => a.toLowerCase().startsWith(`${name}=`))?.slice(name.length + 1);
      const path = read('path') ?? '/';
      const key = `${hostname} ${path} ${pair.split('=')[0]}`;
      if (read('max-age') === '0' || Date.parse(read('expires')) <= Date.now()) this.#cookies.delete(key);
      else this.#cookies.set(key, { hostname, path, pair });
    }
  }
}
