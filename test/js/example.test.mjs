// The example relying party, as a newcomer meets it: sign-up, confirmation from the inbox,
// an authenticator app, a passkey, sign-out, sign-in by the passkey.

import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { startChromium, withAuthenticator } from './browser/page.mjs';
import { endpoint, newestCode, totp, unique } from './cognate.mjs';

const folder = mkdtempSync(path.join(tmpdir(), 'example-'));
const password = 'Correct-horse-1';
let browser, server, home, poolId;

before(async () => {
  const port = Number(process.env.COGNATE_APPLICATION_PORT);
  home = `http://localhost:${port}`;
  // The example has the modules of these tests.
  cpSync(fileURLToPath(new URL('../../examples/relying-party', import.meta.url)), folder, {
    recursive: true,
    filter: (name) => path.basename(name) !== 'node_modules',
  });
  symlinkSync(fileURLToPath(new URL('node_modules', import.meta.url)), path.join(folder, 'node_modules'));
  const example = (name) => import(pathToFileURL(path.join(folder, name)));
  const { preparePool } = await example('pool.mjs');
  const { startApplication } = await example('application.mjs');
  const domain = unique('example');
  const pool = await preparePool(endpoint, home, domain);
  assert.deepEqual(await preparePool(endpoint, home, domain), pool, 'a second start finds the pool');
  poolId = pool.poolId;
  server = await startApplication({ ...pool, port });
  browser = await startChromium();
});

after(async () => {
  await browser?.close();
  server?.closeAllConnections();
  await new Promise((closed) => (server ? server.close(closed) : closed()));
  rmSync(folder, { recursive: true });
});

test('the first ten minutes', async () => {
  const context = await browser.newContext();
  const page = await context.newPage();
  const problems = [];
  page.on('pageerror', (error) => problems.push(error.message));
  const authenticator = await withAuthenticator({ context, page });
  const username = unique('alice');
  const email = `${username}@example.com`;
  const next = () => page.click('button.primary');
  const greeting = () => page.getByRole('heading', { name: `Hello ${email}` }).waitFor();

  await page.goto(home);
  await page.click('text=Sign in');
  await page.click('text=Create an account');
  await page.fill('[name=username]', username);
  await page.fill('[name="requiredAttributes[email]"]', email);
  await page.fill('[name=password]', password);
  await page.fill('[name=confirm_password]', password);
  await next();
  await page.waitForSelector('[name=code]');
  await page.fill('[name=code]', await newestCode(poolId, email));
  await next();
  await page.click('summary:has-text("key")');
  const key = (await page.textContent('code')).replaceAll(' ', '');
  await page.fill('[name=authentication_code]', totp(key));
  await next();
  await greeting();
  assert.match(await page.textContent('pre'), new RegExp(`"email": "${email}"`));

  await page.click('text=Sign out');
  await page.click('text=Sign in');
  await page.fill('[name=username]', username);
  await next();
  await page.fill('[name=password]', password);
  await next();
  await page.waitForSelector('[name=authentication_code]');
  await page.fill('[name=authentication_code]', totp(key, 1));
  await next();
  await greeting();

  await page.click('text=Add a passkey');
  await next();
  await greeting();
  assert.equal((await authenticator.credentials()).length, 1);

  // The browser offers the passkey before a name is typed.
  await page.click('text=Sign out');
  await page.click('text=Sign in');
  await greeting();

  await authenticator.answer(false);
  await page.click('text=Sign out');
  await page.click('text=Sign in');
  await page.fill('[name=username]', username);
  await next();
  await page.waitForSelector('button[value=WEB_AUTHN]');
  await authenticator.answer(true);
  await page.click('button[value=WEB_AUTHN]');
  await page.waitForURL(/login\/passkey/);
  await next();
  await greeting();
  assert.deepEqual(problems, []);
});

test('a callback that the application did not ask for', async () => {
  const response = await fetch(`${home}/callback?code=x&state=y`);
  assert.equal(response.status, 400);
});
