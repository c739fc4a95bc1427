// Every login page in every state, from the preview, in Chromium: accessibility by axe-core,
// layout, focus and errors at their inputs.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { CreateUserPoolClientCommand } from '@aws-sdk/client-cognito-identity-provider';
import axe from 'axe-core';
import { startChromium } from './browser/page.mjs';
import { administrator, createPool, endpoint } from './cognate.mjs';

/** Returns the addresses of all states of an app client's pages. */
async function previewStates(poolId, clientId, version) {
  const index = await fetch(`${endpoint}/_cognate/preview?${new URLSearchParams({ pool: poolId, client: clientId, version })}`);
  assert.equal(index.status, 200);
  const links = [...(await index.text()).matchAll(/<h2><a href="([^"]+)"/g)].map((m) => endpoint + m[1].replaceAll('&amp;', '&'));
  assert.ok(links.length > 50, `${links.length} states`);
  return links;
}

/** Returns what axe-core finds against WCAG 2.2 AA, one line for each element. */
function violations(page) {
  return page.evaluate(async () => {
    const found = await window.axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'], resultTypes: ['violations'] });
    return found.violations.flatMap((v) => v.nodes.map((n) => `${v.id}: ${n.html.slice(0, 200)}: ${n.failureSummary}`));
  });
}

/** Returns how far the page's parts moved while it loaded. */
function layoutShift(page) {
  return page.evaluate(() => new Promise((done) => {
    let sum = 0;
    const count = (entries) => { for (const e of entries) sum += e.value; };
    const observer = new PerformanceObserver((list) => count(list.getEntries()));
    observer.observe({ type: 'layout-shift', buffered: true });
    requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(() => { count(observer.takeRecords()); done(sum); })));
  }));
}

/** Returns the elements that are wider than the window. */
function tooWide(page) {
  return page.evaluate(() => {
    const outside = [...document.querySelectorAll('body *')].filter((e) => {
      const box = e.getBoundingClientRect();
      return box.width > 0 && !e.matches('.away') && (box.right > innerWidth + 0.5 || box.left < -0.5);
    });
    if (document.documentElement.scrollWidth > innerWidth) outside.push(document.documentElement);
    return outside.map((e) => e.outerHTML.slice(0, 120));
  });
}

/** Returns the faults in how the page shows its errors. */
function errorProblems(page) {
  return page.evaluate(() => {
    const problems = [];
    const summary = document.getElementById('loginErrorMessage');
    if (summary && summary !== document.activeElement) problems.push('the summary has no focus');
    for (const input of document.querySelectorAll('[aria-invalid=true]')) {
      const texts = (input.getAttribute('aria-describedby') ?? '').split(' ').map((id) => document.getElementById(id)?.textContent.trim());
      if (texts.length === 0 || texts.some((t) => !t)) problems.push(`#${input.id} has no text`);
      if (!summary?.querySelector(`a[href="#${CSS.escape(input.id)}"]`)) problems.push(`the summary has no link to #${input.id}`);
    }
    const isMissing = new URLSearchParams(location.search).get('show').includes('missing');
    if (isMissing && !document.querySelector('[aria-invalid=true]')) problems.push('no input is marked');
    return problems;
  });
}

describe('login pages in every state', () => {
  const admin = administrator();
  let browser, poolId, clientId;

  before(async () => {
    browser = await startChromium();
    poolId = await createPool(admin, { Schema: [{ Name: 'email', Required: true }] });
    const { UserPoolClient } = await admin.send(new CreateUserPoolClientCommand({ UserPoolId: poolId, ClientName: 'Shop', SupportedIdentityProviders: ['COGNITO'] }));
    clientId = UserPoolClient.ClientId;
  });
  after(() => browser?.close());

  for (const [version, scheme] of [['managed', 'light'], ['managed', 'dark'], ['classic', 'light']]) {
    test(`${version} pages, ${scheme}`, async () => {
      const context = await browser.newContext({ colorScheme: scheme, reducedMotion: 'reduce', viewport: { width: 1280, height: 800 } });
      await context.addInitScript(axe.source);
      const page = await context.newPage();
      const problems = [];
      page.on('request', (request) => {
        if (!request.url().startsWith(`${endpoint}/`) && !request.url().startsWith('data:')) problems.push(`a request to ${request.url()}`);
      });
      page.on('pageerror', (error) => problems.push(error.message));
      for (const link of await previewStates(poolId, clientId, version)) {
        const before = problems.length;
        await page.setViewportSize({ width: 1280, height: 800 });
        await page.goto(link);
        const shift = await layoutShift(page);
        if (shift > 0) problems.push(`layout shift ${shift}`);
        problems.push(...(await errorProblems(page)), ...(await violations(page)));
        await page.setViewportSize({ width: 320, height: 640 });
        problems.push(...(await tooWide(page)).map((e) => `wider than 320 px: ${e}`));
        for (let i = before; i < problems.length; i++) problems[i] = `${link.slice(link.indexOf(version))}: ${problems[i]}`;
      }
      assert.equal(problems.join('\n'), '');
      await context.close();
    });
  }

  test('the keyboard goes through the sign-in page in its order, and the focus is visible', async () => {
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
    const page = await context.newPage();
    await page.goto((await previewStates(poolId, clientId, 'managed'))[0]);
    const stops = [];
    for (let i = 0; i < 7; i++) {
      await page.keyboard.press('Tab');
      const { name, outline } = await page.evaluate(() => {
        const e = document.activeElement;
        const style = getComputedStyle(e);
        return { name: e.id || e.textContent.trim(), outline: style.outlineStyle === 'solid' ? Number.parseFloat(style.outlineWidth) : 0 };
      });
      stops.push(name);
      assert.ok(outline >= 2, `the focus on ${name} is ${outline} px wide`);
    }
    assert.deepEqual(stops, ['signInFormUsername', 'signInFormPassword', 'Show', 'Forgot your password?', 'Sign in', 'Create an account', 'English']);
    await context.close();
  });

  test('the preview leaves the focus and the place of its reader', async () => {
    const context = await browser.newContext({ viewport: { width: 1440, height: 4000 } });
    const page = await context.newPage();
    await page.goto(`${endpoint}/_cognate/preview?${new URLSearchParams({ pool: poolId, client: clientId })}`, { waitUntil: 'networkidle' });
    assert.deepEqual(await page.evaluate(() => [document.activeElement.tagName, scrollY]), ['BODY', 0]);
    await context.close();
  });
});
