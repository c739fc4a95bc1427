// Starts `cognate dev` with the seed, for tests. It takes a free port, so that several runs at once
// do not meet.
// Setting: COGNATE is the program. The default is the one that `make build` has made.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';

const program = process.env.COGNATE ?? '../../bin/cognate';

/** Returns the URL of the server, and a function that stops it. */
export async function startCognate() {
  const data = await mkdtemp(path.join(tmpdir(), 'cognate-'));
  const args = ['dev', '--seed', 'seed.yaml', '--data', data, '--listen', '127.0.0.1:0', '--private-listen', 'off', '--log-level', 'warn'];
  const server = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const stop = async () => {
    server.kill();
    if (server.pid && server.exitCode === null && server.signalCode === null) await once(server, 'exit');
    await rm(data, { recursive: true });
  };
  const limit = setTimeout(() => server.kill(), 60_000);
  try {
    const endpoint = await listening(server);
    while (!(await fetch(`${endpoint}/_cognate/health`)).ok) {
      // A busy machine is ready a little later. The limit ends the server, and then the request fails.
    }
    return { endpoint, stop };
  } catch (error) {
    await stop();
    throw error;
  } finally {
    clearTimeout(limit);
  }
}

/** Returns the URL of the server. Its host is that of the issuer. */
function listening(server) {
  return new Promise((resolve, reject) => {
    server.once('error', reject); // There is no such program.
    server.once('exit', (code) => reject(new Error(`cognate dev ended with the exit code ${code}`)));
    createInterface(server.stdout).on('line', (line) => {
      const port = /^listening on http:.*:(\d+)$/.exec(line)?.[1];
      if (port) resolve(`http://localhost:${port}`);
    });
  });
}
