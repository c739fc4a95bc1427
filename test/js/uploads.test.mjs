// The example of uploads in Chromium: each person keeps files in a folder of their own, and
// reaches no other folder.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { startChromium } from './browser/page.mjs';

const folder = mkdtempSync(path.join(tmpdir(), 'uploads-'));
const port = Number(process.env.COGNATE_APPLICATION_PORT);
let browser, server;

before(async () => {
  // The example has the modules of these tests.
  cpSync(fileURLToPath(new URL('../../examples/uploads', import.meta.url)), folder, {
    recursive: true,
    filter: (name) => path.basename(name) !== 'node_modules',
  });
  symlinkSync(fileURLToPath(new URL('node_modules', import.meta.url)), path.join(folder, 'node_modules'));
  execFileSync('./setup.sh', { cwd: folder, stdio: ['ignore', 'inherit', 'inherit'] });
  const { startApplication } = await import(pathToFileURL(path.join(folder, 'start.mjs')));
  server = await startApplication(port);
  browser = await startChromium();
});

after(async () => {
  await browser?.close();
  server?.closeAllConnections();
  await new Promise((closed) => (server ? server.close(closed) : closed()));
  rmSync(folder, { recursive: true });
});

/** Signs a person in, in a browser of their own. */
async function person(username) {
  const page = await (await browser.newContext()).newPage();
  const status = page.locator('#status');
  const outcome = async () => {
    await page.waitForFunction(() => !['', '…'].includes(document.querySelector('#status').textContent));
    return status.textContent();
  };
  await page.goto(`http://localhost:${port}`);
  await page.fill('[name=username]', username);
  await page.fill('[name=password]', 'Correct-horse-1');
  await page.click('text=Sign in');
  const signedIn = await outcome();
  return {
    signedIn,
    identity: await page.textContent('#identity'),
    files: () => page.locator('#list a').allTextContents(),
    async show(whose) {
      await page.fill('[name=folder]', whose);
      await page.click('[name=list]');
      return outcome();
    },
    async upload(whose, name, text) {
      await page.fill('[name=folder]', whose);
      await page.setInputFiles('[name=file]', { name, mimeType: 'text/plain', buffer: Buffer.from(text) });
      await page.click('[name=upload]');
      return outcome();
    },
    async read(name) {
      await page.click(`#list a:text-is("${name}")`);
      await page.waitForFunction(() => !/^\d+ files$/.test(document.querySelector('#status').textContent));
      return status.textContent();
    },
  };
}

test('a folder for each person', async () => {
  const [ann, bob] = await Promise.all(['ann', 'bob'].map(person));
  assert.equal(ann.signedIn, '0 files');
  assert.notEqual(ann.identity, bob.identity);
  const long = 'long '.repeat(200_000); // The SDK sends it with a checksum.
  assert.equal(await ann.upload(ann.identity, 'my notes +1.txt', 'hello'), '1 files');
  assert.equal(await ann.upload(ann.identity, 'long.txt', long), '2 files');
  assert.deepEqual(await ann.files(), ['long.txt', 'my notes +1.txt']);
  assert.equal(await ann.read('my notes +1.txt'), 'hello');
  assert.equal(await bob.upload(bob.identity, 'mine.txt', 'x'), '1 files');
  assert.match(await bob.show(ann.identity), /^AccessDenied: .*s3:ListBucket/);
  assert.match(await bob.upload(ann.identity, 'intruder.txt', 'x'), /^AccessDenied: .*s3:PutObject/);
  assert.equal(await ann.show(ann.identity), '2 files');
});
