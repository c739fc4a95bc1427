// The page of examples/amplify, as people use it: sign-up, the code from the inbox, sign-in, a reload, sign-out.

import assert from 'node:assert/strict';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { startChromium } from './browser/page.mjs';
import { endpoint, newestCode } from './cognate.mjs';

const password = 'Correct-horse-1';
let server, browser;

before(async () => {
  const { startPage } = await import(pathToFileURL(path.join(process.env.COGNATE_EXAMPLE, 'start.mjs')));
  server = await startPage(0, endpoint);
  browser = await startChromium();
});

after(async () => {
  await browser?.close();
  server?.closeAllConnections();
  server?.close();
});

test('a new user', async () => {
  const page = await (await browser.newContext()).newPage();
  const problems = [];
  page.on('pageerror', (error) => problems.push(error.message));
  const status = (text) => page.waitForFunction((wanted) => document.querySelector('#status').textContent === wanted, text);
  const submit = async (form, values) => {
    for (const [name, value] of Object.entries(values)) await page.fill(`#${form} [name=${name}]`, value);
    await page.click(`#${form} button`);
  };
  await page.goto(`http://localhost:${server.address().port}`);
  await status('You are not signed in');
  await submit('sign-up', { username: 'carol', password, email: 'carol@example.com' });
  await status('A code was sent to c***@e***');
  await submit('confirm', { username: 'carol', code: await newestCode('us-east-1_shop1', 'carol@example.com') });
  await status('Confirmed: you can sign in');
  await submit('sign-in', { username: 'carol', password: 'Wrong-horse-1' });
  await status('NotAuthorizedException: Incorrect username or password.');
  await submit('sign-in', { username: 'carol', password });
  await status('Hello carol');
  await page.reload();
  await status('Hello carol');
  await submit('sign-out', {});
  await status('You are not signed in');
  await submit('sign-in', { username: 'ann', password });
  await status('Hello ann, staff');
  assert.deepEqual(problems, []);
});
