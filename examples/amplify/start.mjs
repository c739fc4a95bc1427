// Serves the page. Settings: COGNATE_ENDPOINT (http://localhost:9229) and PORT (3000).

import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const local = (name) => fileURLToPath(new URL(name, import.meta.url));

/** Starts the server of the page, and returns it. */
export async function startPage(port, endpoint) {
  const { outputFiles } = await build({ entryPoints: [local('app.mjs')], bundle: true, format: 'esm', target: 'es2022', write: false, logLevel: 'error' });
  const settings = { endpoint, userPoolId: 'us-east-1_shop1', userPoolClientId: 'shopweb' };
  const files = {
    '/': ['text/html', readFileSync(local('index.html'))],
    '/app.js': ['text/javascript', outputFiles[0].text],
    '/settings.json': ['application/json', JSON.stringify(settings)],
  };
  const server = createServer((request, response) => {
    const [type, content] = files[request.url] ?? [];
    response.writeHead(content ? 200 : 404, { 'Content-Type': `${type ?? 'text/plain'}; charset=utf-8` }).end(content);
  });
  await new Promise((listening) => server.listen(port, 'localhost', listening));
  return server;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const server = await startPage(Number(process.env.PORT ?? 3000), process.env.COGNATE_ENDPOINT ?? 'http://localhost:9229');
  console.log(`open http://localhost:${server.address().port}`);
}
