// Takes the pictures of docs/pages from the preview: one sheet for each page and look, with the
// states below each other, at two widths and in both schemes. `make screenshots` runs it.

import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import {
  CreateManagedLoginBrandingCommand, CreateUserPoolClientCommand, CreateUserPoolCommand,
} from '@aws-sdk/client-cognito-identity-provider';
import { startChromium } from './browser/page.mjs';
import { administrator, endpoint } from './cognate.mjs';

const folder = process.argv[2] ?? fileURLToPath(new URL('../../docs/pages', import.meta.url));

/** A brand that changes what a style can change: colours, corners, bands, both schemes. */
const brand = {
  categories: { global: { colorSchemeMode: 'DYNAMIC', pageHeader: { enabled: true }, spacingDensity: 'COMFORTABLE' } },
  componentClasses: {
    buttons: { borderRadius: 22 },
    input: { borderRadius: 4 },
    link: { lightMode: { defaults: { textColor: '0b6b3aff' } }, darkMode: { defaults: { textColor: '6fd69aff' } } },
    focusState: { lightMode: { borderColor: '0b6b3aff' }, darkMode: { borderColor: '6fd69aff' } },
  },
  components: {
    form: { borderRadius: 4 },
    pageBackground: { lightMode: { color: 'eef5efff' }, darkMode: { color: '08150dff' } },
    pageHeader: { lightMode: { background: { color: '0b6b3aff' } }, darkMode: { background: { color: '0c3a22ff' } } },
    primaryButton: {
      lightMode: { defaults: { backgroundColor: '0b6b3aff', textColor: 'ffffffff' } },
      darkMode: { defaults: { backgroundColor: '6fd69aff', textColor: '08150dff' } },
    },
  },
};

/** The pages whose texts are longest: they are shown in these languages, too. */
const crowded = { paths: ['/login', '/signup', '/mfa', '/mfa/app', '/confirmForgotPassword'], languages: ['de', 'ja'] };

async function createClients(admin) {
  const { UserPool } = await admin.send(new CreateUserPoolCommand({
    PoolName: 'Acme', AutoVerifiedAttributes: ['email'], Schema: [{ Name: 'email', Required: true }],
  }));
  const create = async (ClientName) => (await admin.send(new CreateUserPoolClientCommand({
    UserPoolId: UserPool.Id, ClientName, SupportedIdentityProviders: ['COGNITO'],
  }))).UserPoolClient.ClientId;
  const plain = await create('Shop');
  const branded = await create('Shop');
  await admin.send(new CreateManagedLoginBrandingCommand({ UserPoolId: UserPool.Id, ClientId: branded, Settings: brand }));
  return { poolId: UserPool.Id, plain, branded };
}

/** Returns the states of an app client's pages, by the path of the page. */
async function readStates(page, poolId, client, lang) {
  await page.goto(`${endpoint}/_cognate/preview?${new URLSearchParams({ pool: poolId, client, lang })}`);
  return page.evaluate(() => {
    const byPath = {};
    for (const a of document.querySelectorAll('article h2 a')) {
      const path = new URL(a.href).pathname.split('/').slice(5).join('/');
      (byPath[`/${path}`] ??= []).push({ title: a.textContent, url: a.href });
    }
    return byPath;
  });
}

/** Takes one picture of the states, each at two widths and in both schemes. */
async function takeSheet(page, cdp, states, file) {
  // The page of the preview may frame pages of its own host alone, so that the sheet is built in it.
  const height = await page.evaluate(async (list) => {
    document.head.querySelectorAll('script').forEach((s) => s.remove());
    document.body.replaceChildren();
    Object.assign(document.body.style, { margin: 0, padding: '16px', width: '2096px', background: '#dfe3e8', color: '#000716' });
    for (const { title, url } of list) {
      const heading = document.createElement('p');
      heading.textContent = title;
      Object.assign(heading.style, { margin: '16px 0 8px', font: '600 20px/28px sans-serif' });
      const row = document.createElement('div');
      Object.assign(row.style, { display: 'flex', gap: '16px', alignItems: 'flex-start' });
      document.body.append(heading, row);
      await Promise.all([[640, 'light'], [640, 'dark'], [360, 'light'], [360, 'dark']].map(([width, scheme]) => new Promise((loaded) => {
        const frame = document.createElement('iframe');
        frame.inert = true;
        Object.assign(frame.style, { width: `${width}px`, height: '480px', border: '0', colorScheme: scheme });
        frame.addEventListener('load', async () => {
          await frame.contentDocument.fonts.ready;
          frame.style.height = `${frame.contentDocument.documentElement.scrollHeight}px`;
          loaded();
        });
        frame.src = url;
        row.append(frame);
      })));
    }
    await new Promise((painted) => requestAnimationFrame(() => requestAnimationFrame(painted)));
    return Math.ceil(document.body.getBoundingClientRect().height);
  }, states);
  const { data } = await cdp.send('Page.captureScreenshot', {
    format: 'webp', quality: 60, captureBeyondViewport: true, clip: { x: 0, y: 0, width: 2096, height, scale: 0.6 },
  });
  await writeFile(`${folder}/${file}`, Buffer.from(data, 'base64'));
}

/** Takes the pictures of the sign-in page for the README. */
async function takeSignIn(browser, url) {
  for (const colorScheme of ['light', 'dark']) {
    const context = await browser.newContext({ colorScheme, viewport: { width: 720, height: 600 }, deviceScaleFactor: 2 });
    const page = await context.newPage();
    await page.goto(url);
    const cdp = await context.newCDPSession(page);
    const { data } = await cdp.send('Page.captureScreenshot', { format: 'webp', quality: 80 });
    await writeFile(`${folder}/sign-in-${colorScheme}.webp`, Buffer.from(data, 'base64'));
    await context.close();
  }
}

const nameOf = (path) => path.toLowerCase().slice(1).replaceAll('/', '-');

const index = (sheets) => `# The login pages

Every page in every state: 640 and 360 pixels wide, in light and dark. \`make screenshots\` takes these pictures from the preview of
\`cognate dev\`, which is at <http://localhost:9229/_cognate/preview>.

| page | states | default look | with a brand | German | Japanese |
|---|---|---|---|---|---|
${Object.entries(sheets).map(([path, s]) => `| \`${path}\` | ${s.titles.join('; ')} | ${['plain', 'branded', 'de', 'ja'].map((look) => (s[look] ? `[picture](${s[look]})` : '')).join(' | ')} |`).join('\n')}
`;

const browser = await startChromium();
await mkdir(folder, { recursive: true });
for (const file of await readdir(folder)) await rm(`${folder}/${file}`);
const { poolId, plain, branded } = await createClients(administrator());
// The emulation of a scheme would reach the frames, too: null turns it off.
const context = await browser.newContext({ colorScheme: null, viewport: { width: 2096, height: 1200 } });
const page = await context.newPage();
const cdp = await context.newCDPSession(page);
const sheets = {};
for (const [look, client, lang] of [['plain', plain, 'en'], ['branded', branded, 'en'], ...crowded.languages.map((l) => [l, plain, l])]) {
  for (const [path, states] of Object.entries(await readStates(page, poolId, client, lang))) {
    if (crowded.languages.includes(look) && !crowded.paths.includes(path)) continue;
    const file = `${nameOf(path)}${look === 'plain' ? '' : `-${look}`}.webp`;
    // A brand or a language changes the states of a page alike: the first one shows it.
    await takeSheet(page, cdp, look === 'plain' ? states : states.slice(0, 1), file);
    sheets[path] ??= { titles: states.map((s) => s.title) };
    sheets[path][look] = file;
    if (path === '/login' && look === 'plain') await takeSignIn(browser, states[0].url);
  }
}
await writeFile(`${folder}/README.md`, index(sheets));
await browser.close();
