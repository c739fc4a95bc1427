// An API that trusts the gateway: it stores notes by the identity of the caller. It has no
// users, no keys and no signatures of its own.
// Settings: PORT (8080), GATEWAY_SECRET (secret-key of execute-api in the gateway's services).

import { timingSafeEqual } from 'node:crypto';
import { createServer } from 'node:http';

const secret = Buffer.from(`Bearer ${process.env.GATEWAY_SECRET}`);
const notes = new Map(); // by identity

/** Whether the gateway has sent the request. Without this check, anyone could claim to be someone. */
function fromGateway(request) {
  const sent = Buffer.from(request.headers.authorization ?? '');
  return sent.length === secret.length && timingSafeEqual(sent, secret);
}

const server = createServer(async (request, response) => {
  const answer = (status, value) => response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(value));
  if (!fromGateway(request)) return answer(401, { message: 'only the gateway may call' });
  const caller = request.headers['x-cognate-identity-id'] ?? request.headers['x-cognate-principal'];
  switch (`${request.method} ${request.url}`) {
    case 'GET /notes':
      return answer(200, { caller, notes: notes.get(caller) ?? [] });
    case 'POST /notes': {
      let text = '';
      for await (const part of request) text += part;
      notes.set(caller, [...(notes.get(caller) ?? []), text]);
      return answer(201, { caller });
    }
  }
  return answer(404, { message: 'not found' });
});

if (!process.env.GATEWAY_SECRET) throw new Error('GATEWAY_SECRET is not set');
server.listen(Number(process.env.PORT ?? 8080), '127.0.0.1', () => console.log(`listening on http://127.0.0.1:${server.address().port}`));
process.once('SIGTERM', () => {
  server.close();
  server.closeAllConnections();
});
