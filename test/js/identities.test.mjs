// The examples of identities: a guest, a device, people of departments, an API that takes tokens.

import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';

const folder = mkdtempSync(path.join(tmpdir(), 'identities-'));
const example = (name) => import(pathToFileURL(path.join(folder, name)));
const denied = { name: 'AccessDenied' };

before(async () => {
  // The example has the modules of these tests.
  cpSync(fileURLToPath(new URL('../../examples/identities', import.meta.url)), folder, {
    recursive: true,
    filter: (name) => path.basename(name) !== 'node_modules',
  });
  symlinkSync(fileURLToPath(new URL('node_modules', import.meta.url)), path.join(folder, 'node_modules'));
  await (await example('setup.mjs')).setUp();
});

after(() => rmSync(folder, { recursive: true }));

test('departments', async () => {
  const { read, storeOf, write } = await example('departments.mjs');
  const [ann, bob] = await Promise.all([storeOf('ann'), storeOf('bob')]);
  await write(ann, 'departments/legal/contract.txt', 'of legal');
  assert.equal(await read(ann, 'departments/legal/contract.txt'), 'of legal');
  await assert.rejects(read(bob, 'departments/legal/contract.txt'), denied);
  await assert.rejects(write(ann, 'departments/sales/offer.txt', 'x'), denied);
  await write(bob, 'departments/sales/offer.txt', 'of sales');
});

test('guest', async () => {
  const { read, storeOf, write } = await example('departments.mjs');
  const { guestStore } = await example('guest.mjs');
  await write(await storeOf('ann'), 'public/news.txt', 'news');
  const guest = guestStore();
  assert.equal(await read(guest, 'public/news.txt'), 'news');
  await assert.rejects(write(guest, 'public/news.txt', 'x'), denied);
  await assert.rejects(read(guest, 'departments/legal/contract.txt'), denied);
});

test('device', async () => {
  const { write } = await example('departments.mjs');
  const { deviceStore, tokenFor } = await example('device.mjs');
  const [one, two] = [await tokenFor('SN-1'), await tokenFor('SN-2')];
  assert.notEqual(one.identityId, two.identityId);
  assert.equal((await tokenFor('SN-1')).identityId, one.identityId);
  await write(deviceStore(one), `devices/${one.identityId}/t.json`, '{}');
  await assert.rejects(write(deviceStore(one), `devices/${two.identityId}/t.json`, '{}'), denied);
  await assert.rejects(write(deviceStore({ ...one, token: two.token }), `devices/${one.identityId}/t.json`, '{}'), { name: 'NotAuthorizedException' });
});

test('api', async (t) => {
  const { signIn } = await example('departments.mjs');
  const { startAPI } = await example('api.mjs');
  const server = await startAPI(0);
  // Also if a check fails: a server that listens would keep this process alive.
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const call = async (token) => {
    const response = await fetch(`http://localhost:${server.address().port}/orders`, { headers: token && { Authorization: `Bearer ${token}` } });
    return `${response.status} ${(await response.text()).trim()}`;
  };
  const { AccessToken, IdToken } = await signIn('ann');
  assert.equal(await call(AccessToken), '200 orders of ann');
  for (const token of [undefined, 'x', IdToken, `${AccessToken.slice(0, -12)}AAAAAAAAAAAA`]) {
    assert.equal(await call(token), '401 sign in first');
  }
});
