// Serves the page. Settings: PORT (3000). setup.sh has written settings.json.

import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const local = (name) => fileURLToPath(new URL(name, import.meta.url));

/** Starts the application and returns its server. */
export async function startApplication(port) {
  const { outputFiles } = await build({ entryPoints: [local('app.mjs')], bundle: true, format: 'esm', target: 'es2022', write: false, logLevel: 'error' });
  const files = {
    '/': ['text/html', readFileSync(local('index.html'))],
    '/app.js': ['text/javascript', outputFiles[0].text],
    '/settings.json': ['application/json', readFileSync(local('settings.json'))],
  };
  const server = createServer((request, response) => {
    const [type, content] = files[request.url] ?? [];
    response.writeHead(content ? 200 : 404, { 'Content-Type': `${type ?? 'text/plain'}; charset=utf-8` }).end(content);
  });
  await new Promise((listening) => server.listen(port, 'localhost', listening));
  return server;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const port = Number(process.env.PORT ?? 3000);
  await startApplication(port);
  console.log(`open http://localhost:${port}`);
}
