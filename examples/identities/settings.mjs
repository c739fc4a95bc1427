// What the programs share: addresses, clients, and what setup.mjs has made. Settings:
// COGNATE_ENDPOINT and COGNATE_GATEWAY are the addresses of server and gateway.

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { S3Client } from '@aws-sdk/client-s3';

export const region = 'us-east-1';
export const endpoint = process.env.COGNATE_ENDPOINT ?? 'http://localhost:9229';
export const gateway = process.env.COGNATE_GATEWAY ?? 'http://127.0.0.1:9232';
export const bucket = 'uploads';
export const developerProvider = 'devices.example.com';
export const password = 'Correct-horse-1';

/** An administrator of a development server. In production: a key of `cognate admin keys create`. */
export const administrator = { region, endpoint, credentials: { accessKeyId: 'dev', secretAccessKey: 'dev' } };

/** The client of the store, through the gateway. */
export function store(credentials) {
  return new S3Client({ region, endpoint: gateway, forcePathStyle: true, credentials });
}

export const settingsFile = fileURLToPath(new URL('settings.json', import.meta.url));

export const settings = () => JSON.parse(readFileSync(settingsFile));

/** Reports whether this file was started as a program. */
export const isProgram = (meta) => process.argv[1] === fileURLToPath(meta.url);
