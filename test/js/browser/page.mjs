// A browser with one page that runs the application, and an authenticator.

import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { chromium } from 'playwright-core';

// A busy machine is slow, which is no fault.
const patience = 10 * 60_000;

const html = '<!doctype html><meta charset="utf-8"><title>app</title><script src="/app.js"></script>';

async function bundle(application) {
  const entry = fileURLToPath(new URL(application, import.meta.url));
  const { outputFiles } = await build({ entryPoints: [entry], bundle: true, format: 'iife', write: false, logLevel: 'error' });
  return outputFiles[0].text;
}

/** Serves the application on this machine's own name, where passkeys need no TLS. */
async function serve(application) {
  const script = await bundle(application);
  const server = createServer((request, response) => {
    const js = request.url === '/app.js';
    response.setHeader('Content-Type', js ? 'text/javascript; charset=utf-8' : 'text/html; charset=utf-8');
    response.end(js ? script : html);
  });
  await new Promise((listening) => server.listen(0, 'localhost', listening));
  return server;
}

/** Starts Chromium. */
export async function startChromium() {
  const browser = await chromium.launch({
    executablePath: process.env.COGNATE_TEST_CHROMIUM ?? '/usr/bin/chromium',
    args: [
      '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
      '--disable-background-networking', '--disable-component-update', '--disable-sync',
    ],
  });
  return {
    close: () => browser.close(),
    async newContext(options) {
      const context = await browser.newContext(options);
      context.setDefaultTimeout(patience);
      return context;
    },
  };
}

/** Starts the browser and an application of this folder; `open` returns a page of a new profile. */
export async function launch(application) {
  const server = await serve(application);
  const browser = await startChromium();
  const origin = `http://localhost:${server.address().port}`;
  return {
    origin,
    async open(config, options) {
      const context = await browser.newContext(options);
      const page = await context.newPage();
      await page.goto(origin);
      await page.evaluate((c) => window.configure(c), config);
      return {
        context,
        page,
        call: (name, input) => page.evaluate(([n, i]) => window.call(n, i), [name, input]),
        tokens: (options) => page.evaluate((o) => window.tokens(o), options),
      };
    },
    async close() {
      await browser.close();
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}

/** Gives the page a built-in authenticator whose owner always agrees. */
export async function withAuthenticator({ context, page }) {
  const cdp = await context.newCDPSession(page);
  await cdp.send('WebAuthn.enable');
  const { authenticatorId } = await cdp.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2', ctap2Version: 'ctap2_1', transport: 'internal', hasResidentKey: true,
      hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true,
    },
  });
  return {
    credentials: async () => (await cdp.send('WebAuthn.getCredentials', { authenticatorId })).credentials,
    /** Whether the owner answers at once. A passkey that the browser offers in a field is then used without a choice. */
    answer: (enabled) => cdp.send('WebAuthn.setAutomaticPresenceSimulation', { authenticatorId, enabled }),
    verifyUser: (isUserVerified) => cdp.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified }),
  };
}
