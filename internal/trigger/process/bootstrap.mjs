// Runs a Lambda handler in Node.js over the Lambda Runtime API.
import http from "node:http";
import path from "node:path";
import { pathToFileURL } from "node:url";

const env = process.env;
const [host, ...secret] = env.AWS_LAMBDA_RUNTIME_API.split("/");
const [hostname, port] = host.split(":");
const base = `/${secret.join("/")}/2018-06-01/runtime`;
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });

function call(method, where, body, headers = {}) {
  return new Promise((resolve, reject) => {
    const data = body === undefined ? undefined : Buffer.from(body);
    if (data) headers = { "Content-Type": "application/json", "Content-Length": data.length, ...headers };
    const req = http.request({ hostname, port, method, path: base + where, headers, agent }, (res) => {
      const parts = [];
      res.on("data", (part) => parts.push(part));
      res.on("error", reject);
      res.on("end", () => resolve({ status: res.statusCode, headers: res.headers, body: Buffer.concat(parts).toString("utf8") }));
    });
    req.on("error", reject);
    req.end(data);
  });
}

function errorObject(error) {
  if (error instanceof Error || (error && typeof error === "object" && "message" in error && "stack" in error)) {
    return { errorType: String(error.name ?? "Error"), errorMessage: String(error.message), trace: String(error.stack ?? "").split("\n") };
  }
  return { errorType: typeof error, errorMessage: error === undefined || error === null ? "null" : String(error), trace: [] };
}

const inErrors = (error) => call("POST", "/init/error", JSON.stringify(errorObject(error)), { "Lambda-Runtime-Function-Error-Type": "Unhandled" });

async function load() {
  const name = env._HANDLER.slice(env._HANDLER.lastIndexOf(".") + 1);
  const module = await import(pathToFileURL(path.join(env.LAMBDA_TASK_ROOT, env.COGNATE_FUNCTION_FILE)));
  const handler = module[name] ?? module.default?.[name];
  if (typeof handler !== "function") {
    const error = new Error(`${env._HANDLER} is undefined or not exported`);
    error.name = "Runtime.HandlerNotFound";
    throw error;
  }
  return handler;
}

// The promise of an answer. A handler returns a promise, or calls back, or uses
// the context's old functions; one that does none of it has answered null when
// nothing is left to run.
let drained;
process.on("beforeExit", () => drained?.());

function run(handler, event, context) {
  return new Promise((resolve, reject) => {
    const callback = (error, result) => (error === null || error === undefined ? resolve(result) : reject(error));
    drained = () => resolve(null);
    context.done = callback;
    context.fail = (error) => reject(error ?? "handled");
    context.succeed = resolve;
    const answer = handler(event, context, callback);
    if (typeof answer?.then === "function") answer.then(resolve, reject);
  }).finally(() => (drained = undefined));
}

let current;
async function die(error) {
  console.error(error);
  if (current) await call("POST", `/invocation/${current}/error`, JSON.stringify(errorObject(error)), { "Lambda-Runtime-Function-Error-Type": "Unhandled" }).catch(() => {});
  process.exit(129);
}

async function serve(handler) {
  for (;;) {
    const next = await call("GET", "/invocation/next").catch(() => process.exit(0)); // The server is gone.
    if (next.status !== 200) process.exit(0);
    const id = (current = next.headers["lambda-runtime-aws-request-id"]);
    const deadline = Number(next.headers["lambda-runtime-deadline-ms"]);
    env._X_AMZN_TRACE_ID = next.headers["lambda-runtime-trace-id"] ?? "";
    const context = {
      awsRequestId: id,
      callbackWaitsForEmptyEventLoop: true,
      functionName: env.AWS_LAMBDA_FUNCTION_NAME,
      functionVersion: env.AWS_LAMBDA_FUNCTION_VERSION,
      invokedFunctionArn: next.headers["lambda-runtime-invoked-function-arn"],
      logGroupName: env.AWS_LAMBDA_LOG_GROUP_NAME,
      logStreamName: env.AWS_LAMBDA_LOG_STREAM_NAME,
      memoryLimitInMB: env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
      getRemainingTimeInMillis: () => deadline - Date.now(),
    };
    try {
      const answer = JSON.stringify(await run(handler, JSON.parse(next.body), context)) ?? "null";
      current = undefined;
      await call("POST", `/invocation/${id}/response`, answer);
    } catch (error) {
      console.error(error);
      current = undefined;
      await call("POST", `/invocation/${id}/error`, JSON.stringify(errorObject(error)), { "Lambda-Runtime-Function-Error-Type": "Unhandled" });
    }
  }
}

process.on("uncaughtException", die);
process.on("unhandledRejection", die);
try {
  const handler = await load();
  serve(handler);
} catch (error) {
  console.error(error);
  await inErrors(error);
  process.exit(1);
}
