// Serves Lambda handlers as webhooks: one process for a whole folder of
// functions. node server.mjs DIR, with PORT and WEBHOOK_SECRET (whsec_…).
import { createHmac, timingSafeEqual } from "node:crypto";
import { existsSync } from "node:fs";
import { createServer } from "node:http";
import path from "node:path";
import { pathToFileURL } from "node:url";

const root = path.resolve(process.argv[2]);
const secret = Buffer.from(process.env.WEBHOOK_SECRET.replace(/^whsec_/, ""), "base64");
const tolerance = 300; // seconds

// Standard Webhooks: HMAC-SHA256 over "id.timestamp.body".
function genuine(headers, body) {
  const id = headers["webhook-id"] ?? "";
  const stamp = headers["webhook-timestamp"] ?? "";
  if (!(Math.abs(Date.now() / 1000 - Number(stamp)) <= tolerance)) return false;
  const want = createHmac("sha256", secret).update(`${id}.${stamp}.`).update(body).digest();
  return (headers["webhook-signature"] ?? "").split(" ").some((one) => {
    const [version, text] = one.split(",");
    const have = Buffer.from(text ?? "", "base64");
    return version === "v1" && have.length === want.length && timingSafeEqual(have, want);
  });
}

// A handler gives a promise, or takes a callback.
function run(handler, event, context) {
  return new Promise((resolve, reject) => {
    const result = handler(event, context, (error, out) => (error ? reject(error) : resolve(out)));
    if (typeof result?.then === "function") result.then(resolve, reject);
  });
}

async function answer(req) {
  const parts = [];
  for await (const part of req) parts.push(part);
  const body = Buffer.concat(parts);
  if (!genuine(req.headers, body)) return [401, {}];
  const name = /:function:([A-Za-z0-9_-]+)/.exec(req.headers["cognate-function-arn"])?.[1];
  const file = ["index.mjs", "index.js"].map((f) => path.join(root, name, f)).find((f) => existsSync(f));
  const { handler } = await import(pathToFileURL(file));
  try {
    return [200, await run(handler, JSON.parse(body), { functionName: name })];
  } catch (error) {
    return [422, { errorMessage: String(error.message ?? error), errorType: error.name }];
  }
}

createServer(async (req, res) => {
  const [status, out] = await answer(req).catch((error) => (console.error(error), [500, {}]));
  res.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(out));
}).listen(Number(process.env.PORT ?? 8080), "127.0.0.1", function () {
  console.log(`listening on http://127.0.0.1:${this.address().port}`);
});
