// Makes a user pool on a development server and starts the application.
// Settings: COGNATE_ENDPOINT (http://localhost:9229) and PORT (3000).

import { startApplication } from './application.mjs';
import { preparePool } from './pool.mjs';

const endpoint = process.env.COGNATE_ENDPOINT ?? 'http://localhost:9229';
const port = Number(process.env.PORT ?? 3000);

const pool = await preparePool(endpoint, `http://localhost:${port}`);
await startApplication({ ...pool, port });
console.log(`open http://localhost:${port}; codes are in ${endpoint}/_cognate/inbox?pool=${pool.poolId}`);
