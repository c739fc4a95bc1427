// The functions of the page, with a real server. Amplify does the same in Node.js as in a browser,
// but keeps the tokens in memory.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { configure, confirm, enter, leave, register, whoIsSignedIn } from '../session.mjs';
import { startCognate } from './cognate.mjs';

const userPoolId = 'us-east-1_shop1';
const password = 'Correct-horse-1';
let cognate;

before(async () => {
  cognate = await startCognate();
  configure({ endpoint: cognate.endpoint, userPoolId, userPoolClientId: 'shopweb' });
});

after(() => cognate?.stop());

/** The code in the newest mail to a user. `cognate dev` shows the mail that it would have sent. */
async function newestCode(username) {
  const query = new URLSearchParams({ pool: userPoolId, username, wait: '10s' });
  const inbox = await fetch(`${cognate.endpoint}/_cognate/inbox?${query}`);
  return (await inbox.json()).messages[0].code;
}

test('a new user signs up, confirms the address and signs in', async () => {
  const username = `carol-${randomUUID()}`;
  assert.equal(await register(username, password, `${username}@example.com`), 'c***@e***');
  await confirm(username, await newestCode(username));
  assert.deepEqual(await enter(username, password), { username, groups: [] });
  await leave();
  assert.equal(await whoIsSignedIn(), undefined);
});

test('a user of the seed signs in by SRP', async () => {
  assert.deepEqual(await enter('ann', password), { username: 'ann', groups: ['staff'] });
  await leave();
});

test('a wrong password is refused', async () => {
  await assert.rejects(enter('ann', 'Wrong-horse-1'), { name: 'NotAuthorizedException' });
});
