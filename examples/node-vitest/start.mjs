// Starts the API. Settings: ISSUER, CLIENT_ID, HOST (localhost) and PORT (3001).

import { createAPI } from './api.mjs';

const { ISSUER = 'http://localhost:9229/us-east-1_shop1', CLIENT_ID = 'shopweb', HOST = 'localhost', PORT = '3001' } = process.env;

const server = createAPI({ issuer: ISSUER, clientId: CLIENT_ID });
server.listen(Number(PORT), HOST, () => console.log(`listening on http://${HOST}:${server.address().port}`));
process.once('SIGTERM', () => {
  server.close();
  server.closeAllConnections();
});
