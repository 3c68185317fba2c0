// SPDX-License-Identifier: Apache-2.0
//
// The Node.js runtime: loads a handler, then serves it events from the Runtime API.
//
// CommonJS, because an ES module as the main one costs five milliseconds of start, and on a bare socket, because the
// http module costs most of an invocation. A response and the request for the next event leave in one write. While a
// handler runs the socket does not hold the event loop, so that "the event loop is empty" means what AWS means by it.
//
// Up to Node 22 this is AWS's runtime with callbacks; from 24 on, as there, handlers return or throw and nothing else.

'use strict';

const fs = require('fs');
const net = require('net');
const path = require('path');
const { format, types } = require('util');

const MAJOR = Number(process.versions.node.split('.')[0]);
const HAS_CALLBACKS = MAJOR < 24;
const [API_HOST, ...API_PREFIX] = (process.env.AWS_LAMBDA_RUNTIME_API || '127.0.0.1:9001').split('/');
const API = ['', ...API_PREFIX, '2018-06-01', 'runtime'].join('/');
const TASK_ROOT = process.env.LAMBDA_TASK_ROOT || '/var/task';
const get = (what) => `GET ${API}/${what} HTTP/1.1\r\nHost: ${API_HOST}\r\nUser-Agent: tinderbox-node/${MAJOR}\r\n\r\n`;
const NEXT = get('invocation/next');

// What a log line and an error of this process refer to. Before the first event AWS prints these words.
let requestId = HAS_CALLBACKS ? undefined : '-';
let tenantId;
let invocation = () => ({ requestId, tenantId });

// --- the log --------------------------------------------------------------------------------------------------------

const LEVELS = { TRACE: 4, DEBUG: 8, INFO: 12, WARN: 16, ERROR: 20, FATAL: 24 };
const FRAME_TEXT = 0xa55a0003;
const FRAME_JSON = 0xa55a0002;
const logFd = process.env._LAMBDA_TELEMETRY_LOG_FD;
delete process.env._LAMBDA_TELEMETRY_LOG_FD;

/** Writes all of it, also to a pipe that a child has made non-blocking and that is full for the moment. */
function writeAll(fd, bytes) {
  for (let done = 0; done < bytes.length; ) {
    try {
      done += fs.writeSync(fd, bytes, done);
    } catch (error) {
      if (error.code !== 'EAGAIN') throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    }
  }
}

function writeText(level, ...params) {
  const now = new Date();
  writeRecord(FRAME_TEXT | LEVELS[level], now, `${now.toISOString()}\t${invocation().requestId}\t${level}\t${format(...params)}`);
}

function writeJson(level, ...params) {
  const now = new Date();
  writeRecord(FRAME_JSON | LEVELS[level], now, logDocument({ timestamp: now.toISOString(), level, ...invocation() }, params));
}

/** One event of the log. On the telemetry pipe it may have several lines; on stdout a line is an event. */
function writeRecord(type, now, line) {
  if (logFd === undefined) {
    writeAll(1, Buffer.from(line.replace(/\n/g, '\r') + '\n'));
    return;
  }
  const body = Buffer.from((type & 3) === (FRAME_TEXT & 3) ? line + '\n' : line);
  const frame = Buffer.allocUnsafe(16 + body.length);
  frame.writeUInt32BE(type >>> 0, 0);
  frame.writeUInt32BE(body.length, 4);
  frame.writeBigUInt64BE(BigInt(now.valueOf()) * 1000n, 8);
  body.copy(frame, 16);
  writeAll(Number(logFd), frame);
}

const errorFields = (error) => ({
  errorType: error.constructor?.name ?? 'UnknownError',
  errorMessage: error.message,
  stackTrace: typeof error.stack === 'string' ? error.stack.split('\n') : error.stack,
});

/** What was logged as AWS writes it in JSON: one value stays what it is, several become a text and the fields of the first error. */
function logDocument(document, params) {
  if (params.length === 1) {
    document.message = params[0];
    try {
      return JSON.stringify(document, (_, value) => (value instanceof Error ? { ...errorFields(value), ...value } : value));
    } catch {
      document.message = format(params[0]);
      return JSON.stringify(document);
    }
  }
  document.message = format(...params);
  const error = params.find((param) => param instanceof Error);
  return JSON.stringify(error ? { ...document, ...errorFields(error), stackTrace: errorFields(error).stackTrace ?? [] } : document);
}

function patchConsole() {
  const write = isJsonLog() ? writeJson : writeText;

  const lowest = LEVELS[(process.env.AWS_LAMBDA_LOG_LEVEL || '').toUpperCase()] || 0;
  for (const level of Object.keys(LEVELS)) {
    console[level.toLowerCase()] = LEVELS[level] < lowest ? () => {} : (message, ...params) => write(level, message, ...params);
  }
  console.log = console.info;
}

const isJsonLog = () => (process.env.AWS_LAMBDA_LOG_FORMAT || '').toUpperCase() === 'JSON';

function logError(title, error) {
  const shown = error instanceof Error ? error : new Error(error);
  if (isJsonLog()) {
    console.error(shown);
    return;
  }
  const withProperties = (_, value) => {
    if (!(value instanceof Error)) return value;
    const all = { errorType: value.name, errorMessage: value.message, code: value.code, ...value };
    if (typeof value.stack === 'string') all.stack = value.stack.split('\n');
    return all;
  };
  let text;
  try {
    text = JSON.stringify(shown, withProperties);
  } catch {
    text = JSON.stringify(errorDocument(shown));
  }
  console.error(title, '\t' + text);
}

// --- errors ---------------------------------------------------------------------------------------------------------

/** An error of the runtime's own making. Its stack begins with its AWS name. */
class Fault extends Error {
  constructor(kind, message) {
    super(message);
    Object.defineProperty(this, 'name', { value: `Runtime.${kind}` });
    this.stack = this.stack.replace(/^Error/, this.name);
  }
}

/** What the Runtime API is told about an error, keys in the order of AWS. */
function errorDocument(error) {
  const escape = (text) => text?.replace(/\x7F/g, '%7F');
  try {
    const looksLikeOne = [error?.name, error?.message, error?.stack].every((part) => part && typeof part === 'string');
    if (types.isNativeError(error) || looksLikeOne) {
      const trace = escape(error.stack)?.split('\n') ?? [];
      return { errorType: escape(error.name), errorMessage: escape(error.message), trace };
    }
    return { errorType: typeof error, errorMessage: String(error), trace: [] };
  } catch {
    const errorMessage =
      'callback called with Error argument, but there was a problem while retrieving one or more of its message, name, and stack';
    return { errorType: 'handled', errorMessage, trace: [] };
  }
}

function stop(why) {
  writeAll(2, Buffer.from(`the runtime stops: ${why}\n`));
  process.exit(1);
}

// --- the Runtime API ------------------------------------------------------------------------------------------------

let socket;
let chunks = [];
let received = 0;
let needed = 1;
// What the answers still to come belong to: a function for a POST, `takeEvent` for the next event.
const expected = [];

function connect() {
  const colon = API_HOST.lastIndexOf(':');
  chunks = [];
  received = 0;
  needed = 1;
  const own = net.connect({ host: API_HOST.slice(0, colon), port: Number(API_HOST.slice(colon + 1)), noDelay: true });
  own.on('data', (chunk) => own === socket && receive(chunk));
  own.on('error', (error) => own === socket && stop(`the connection to the Runtime API broke: ${error.message}`));
  own.on('close', () => own === socket && stop('the Runtime API closed the connection'));
  own.unref();
  socket = own;
}

function send(message, whenWritten) {
  if (!socket) connect();
  socket.ref();
  socket.write(message, whenWritten);
}

/** Posts a document and, unless the process is about to end, asks for the next event in the same write. */
function post(where, document, headers, whenTaken) {
  expected.push(whenTaken ?? complain);
  if (!whenTaken) expected.push(takeEvent);
  send(
    `POST ${API}/${where} HTTP/1.1\r\nHost: ${API_HOST}\r\nContent-Type: application/json\r\n${headers}` +
      `Content-Length: ${Buffer.byteLength(document)}\r\n\r\n${document}${whenTaken ? '' : NEXT}`,
  );
}

function postError(where, error, whenTaken) {
  const document = errorDocument(error);
  const kind = /^[\x20-\x7e]+$/.test(document.errorType) ? document.errorType : 'Function.Unknown';
  post(where, JSON.stringify(document), `Lambda-Runtime-Function-Error-Type: ${kind}\r\n`, whenTaken);
}

function complain(status, headers, body) {
  if (status === 202) return;
  if (status >= 500) stop(`the Runtime API failed with status ${status}`);
  writeAll(2, Buffer.from(`LAMBDA_RUNTIME Failed to post handler success response. Http response code: ${status}. ${body}\n`));
}

function receive(chunk) {
  chunks.push(chunk);
  received += chunk.length;
  while (received >= needed) {
    const data = chunks.length === 1 ? chunks[0] : Buffer.concat(chunks);
    const answer = read(data);
    chunks = [data];
    if (!answer) return;
    chunks = answer.end < data.length ? [data.subarray(answer.end)] : [];
    received = data.length - answer.end;
    needed = 1;
    const whenAnswered = expected.shift();
    if (answer.headers.connection?.toLowerCase() === 'close') reconnect();
    whenAnswered(answer.status, answer.headers, answer.body);
  }
}

/** A server that closes after each answer has not seen the request that came with the message it answered. */
function reconnect() {
  const old = socket;
  socket = undefined;
  old.destroy();
  if (expected.length) send(NEXT);
}

/** The answer at the start of `data`, or nothing if it is not whole; then `needed` says when to look again. */
function read(data) {
  const head = data.indexOf('\r\n\r\n');
  if (head < 0) {
    needed = data.length + 1;
    return undefined;
  }
  const lines = data.latin1Slice(0, head).split('\r\n');
  const headers = {};
  for (let i = 1; i < lines.length; i++) {
    const colon = lines[i].indexOf(':');
    headers[lines[i].slice(0, colon).toLowerCase()] = lines[i].slice(colon + 1).trim();
  }
  const status = Number(lines[0].slice(9, 12));
  if (headers['transfer-encoding']) return readChunked(data, head + 4, status, headers);
  const end = head + 4 + Number(headers['content-length'] || 0);
  if (data.length < end) {
    needed = end;
    return undefined;
  }
  return { status, headers, body: data.utf8Slice(head + 4, end), end };
}

function readChunked(data, start, status, headers) {
  const parts = [];
  needed = data.length + 1;
  for (let at = start; ; ) {
    const line = data.indexOf('\r\n', at);
    if (line < 0) return undefined;
    const size = parseInt(data.latin1Slice(at, line), 16);
    at = line + 2;
    if (size === 0) {
      const end = data.latin1Slice(at, at + 2) === '\r\n' ? at : data.indexOf('\r\n\r\n', at) + 2;
      if (end < at || data.length < end + 2) return undefined;
      return { status, headers, body: Buffer.concat(parts).toString(), end: end + 2 };
    }
    if (data.length < at + size + 2) return undefined;
    parts.push(data.subarray(at, at + size));
    at += size + 2;
  }
}

// --- an invocation --------------------------------------------------------------------------------------------------

let handler;
// The invocation that an uncaught error belongs to.
let current;
const nothing = () => {};
let whenLoopIsEmpty = nothing;
let hadTrace = true;

function serialize(value) {
  try {
    return JSON.stringify(value === undefined ? null : value) ?? 'null';
  } catch {
    const message = 'Unable to stringify response body';
    throw HAS_CALLBACKS ? new Error(message) : new Fault('JSONStringifyError', message);
  }
}

function respond(id, value) {
  const document = serialize(value);
  finish(id);
  post(`invocation/${id}/response`, document, '');
}

function fail(id, error) {
  logError('Invoke Error', error);
  finish(id);
  postError(`invocation/${id}/error`, error);
}

function finish(id) {
  if (current === id) current = undefined;
  whenLoopIsEmpty = nothing;
}

function parseHeader(text, name) {
  try {
    return text ? JSON.parse(text) : undefined;
  } catch (error) {
    throw new Error(`Cannot parse ${name} as json: ${error}`);
  }
}

function takeEvent(status, headers, body) {
  if (status !== 200) stop(`the Runtime API answered ${status} to the request for the next event`);
  socket?.unref();
  requestId = headers['lambda-runtime-aws-request-id'];
  tenantId = headers['lambda-runtime-aws-tenant-id'];
  current = requestId;
  const trace = headers['lambda-runtime-trace-id'];
  if (trace) process.env._X_AMZN_TRACE_ID = trace;
  else if (hadTrace) delete process.env._X_AMZN_TRACE_ID;
  hadTrace = Boolean(trace);
  run(requestId, headers, body);
}

// Read once: a look at process.env is a call into C.
let environmentPart;
const readEnvironment = () => ({
  functionVersion: process.env.AWS_LAMBDA_FUNCTION_VERSION,
  functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
  memoryLimitInMB: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
  logGroupName: process.env.AWS_LAMBDA_LOG_GROUP_NAME,
  logStreamName: process.env.AWS_LAMBDA_LOG_STREAM_NAME,
});

function headerPart(headers) {
  const deadline = Number(headers['lambda-runtime-deadline-ms']);
  return {
    clientContext: parseHeader(headers['lambda-runtime-client-context'], 'ClientContext'),
    identity: parseHeader(headers['lambda-runtime-cognito-identity'], 'CognitoIdentity'),
    invokedFunctionArn: headers['lambda-runtime-invoked-function-arn'],
    awsRequestId: headers['lambda-runtime-aws-request-id'],
    tenantId: headers['lambda-runtime-aws-tenant-id'],
    getRemainingTimeInMillis: () => deadline - Date.now(),
  };
}

/** Node 24 and later: what the handler returns, now or as a promise, is the response. */
async function invoke(id, headers, body) {
  let value;
  try {
    const context = { ...headerPart(headers), ...environmentPart };
    context.xRayTraceId = headers['lambda-runtime-trace-id'];
    value = await handler(JSON.parse(body), context);
    respond(id, value);
  } catch (error) {
    fail(id, error);
  }
}

/** Node 22 and earlier: a promise, a callback, `context.done` and its kin, or null when the event loop is empty. */
function invokeWithCallbacks(id, headers, body) {
  let waitsForEmptyLoop = true;
  let isOver = false;
  let isAnswered = false;
  const once =
    (act) =>
    (...args) => {
      if (isOver) return;
      act(...args);
      isOver = true;
    };
  const complete = (value) => {
    if (isAnswered) {
      console.error('Invocation has already been reported as done. Cannot call complete more than once per invocation.');
      return;
    }
    respond(id, value);
    isAnswered = true;
  };
  const done = (error, value) => {
    whenLoopIsEmpty = nothing;
    if (error !== undefined && error !== null) fail(id, error);
    else complete(value);
  };
  const callback = once((error, value) => {
    if (!waitsForEmptyLoop || (error !== undefined && error !== null)) done(error, value);
    else whenLoopIsEmpty = () => setImmediate(() => complete(value));
  });
  const context = {
    get callbackWaitsForEmptyEventLoop() {
      return waitsForEmptyLoop;
    },
    set callbackWaitsForEmptyEventLoop(value) {
      waitsForEmptyLoop = value;
    },
    succeed: once((value) => done(null, value)),
    fail: once((error) => done(error ?? 'handled', null)),
    done: once(done),
  };
  whenLoopIsEmpty = () => {
    isAnswered = true;
    respond(id, null);
  };
  try {
    Object.assign(context, environmentPart, headerPart(headers));
    const value = handler(JSON.parse(body), context, callback);
    if (typeof value?.then === 'function') value.then(context.succeed, context.fail).catch(context.fail);
  } catch (error) {
    callback(error);
  }
}

// --- streaming ------------------------------------------------------------------------------------------------------

const STREAMING = Symbol.for('aws.lambda.runtime.handler.streaming');
// How the handler is run, once it is known.
let run = HAS_CALLBACKS ? invokeWithCallbacks : invoke;
// The response that the handler is writing.
let responseStream;
let streaming;
const loadStreaming = () => (streaming ??= require('./streaming.cjs'));

globalThis.awslambda = {
  streamifyResponse: (handler, options) => loadStreaming().streamifyResponse(handler, options),
  get HttpResponseStream() {
    return loadStreaming().HttpResponseStream;
  },
};

const newResponseStream = (write) =>
  new (loadStreaming().ResponseStream)(handler, write, (message) => new Fault('InvalidStreamingOperation', message));

function openResponseStream(id) {
  const write = (message, whenWritten) => {
    if (stream.isOpen) return send(message, whenWritten);
    stream.isOpen = true;
    // Its answer may come before its end, if it is refused.
    expected.push(complain);
    const head = `POST ${API}/invocation/${id}/response HTTP/1.1\r\nHost: ${API_HOST}\r\n`;
    send(Buffer.concat([Buffer.from(head), message]), whenWritten);
  };
  const stream = newResponseStream(write);
  return stream;
}

/** Ends a response that has begun, or has not, with an error. */
function failStream(stream, error) {
  const document = errorDocument(error);
  const kind = /^[\x20-\x7e]+$/.test(document.errorType) ? document.errorType : 'Function.Unknown';
  return stream.fail(kind, JSON.stringify(document));
}

async function invokeStreaming(id, headers, body) {
  // A response that is open holds the event loop.
  socket.ref();
  responseStream = openResponseStream(id);
  await writeResponse(responseStream, headers, body);
  responseStream = undefined;
  finish(id);
  expected.push(takeEvent);
  send(NEXT);
}

/** The response is what the handler writes. It is over when both the stream and the handler are. */
async function writeResponse(stream, headers, body) {
  try {
    const context = { ...headerPart(headers), ...environmentPart, xRayTraceId: headers['lambda-runtime-trace-id'] };
    const value = handler(JSON.parse(body), stream, context);
    if (typeof value?.then !== 'function') throw new Error('Streaming does not support non-async handlers.');
    if ((await value) !== undefined) console.warn('Streaming handlers ignore return values.');
    await streaming.finished(stream);
  } catch (error) {
    logError('Invoke Error', error);
    stream.once('error', nothing);
    failStream(stream, error);
    if (!stream.destroyed) await streaming.finished(stream);
  }
}

// --- start ----------------------------------------------------------------------------------------------------------

function isModuleFolder(folder) {
  if (folder.endsWith('/node_modules')) return false;
  const file = path.join(folder, 'package.json');
  if (fs.existsSync(file)) {
    try {
      return JSON.parse(fs.readFileSync(file, 'utf8'))?.type === 'module';
    } catch (error) {
      console.warn(`${file} cannot be read, it will be ignored for ES module detection purposes.`, error);
      return false;
    }
  }
  return folder === '/' ? false : isModuleFolder(path.dirname(folder));
}

/** Lets ES modules find packages through NODE_PATH, as AWS's Node does: the SDK and those of layers. */
function resolveThroughNodePath() {
  const folders = (process.env.NODE_PATH || '').split(':').filter((folder) => folder.endsWith('/node_modules') && fs.existsSync(folder));
  if (!folders.length) return;
  const { pathToFileURL } = require('url');
  const parents = folders.map((folder) => pathToFileURL(path.join(folder, '..', 'index.mjs')).href);
  const isPackage = (name, error) => error?.code === 'ERR_MODULE_NOT_FOUND' && !/^(\.{0,2}\/|[a-z]+:)/.test(name);
  const { registerHooks, register } = require('module');
  if (registerHooks) {
    registerHooks({
      resolve(name, context, next) {
        try {
          return next(name, context);
        } catch (error) {
          if (!isPackage(name, error)) throw error;
          for (const parentURL of parents) {
            try {
              return next(name, { ...context, parentURL });
            } catch {} // the first error is the one to tell
          }
          throw error;
        }
      },
    });
  } else if (register) {
    const source = `const parents = ${JSON.stringify(parents)}; const isPackage = ${isPackage};
      export async function resolve(name, context, next) {
        try { return await next(name, context); } catch (error) {
          if (!isPackage(name, error)) throw error;
          for (const parentURL of parents) try { return await next(name, { ...context, parentURL }); } catch {}
          throw error;
        }
      }`;
    register('data:text/javascript,' + encodeURIComponent(source));
  }
}

function importModule(file) {
  resolveThroughNodePath();
  return import(require('url').pathToFileURL(file).href);
}

/** The user's module, by AWS's order: as named, .js by the type of its package, .mjs, .cjs, then as a package. */
async function loadModule(folder, name) {
  const file = path.resolve(TASK_ROOT, folder, name);
  try {
    if (fs.existsSync(file)) return require(file);
    if (fs.existsSync(file + '.js')) {
      return isModuleFolder(path.dirname(file)) ? await importModule(file + '.js') : require(file + '.js');
    }
    if (fs.existsSync(file + '.mjs')) return await importModule(file + '.mjs');
    if (fs.existsSync(file + '.cjs')) return require(file + '.cjs');
    return require(require.resolve(name, { paths: [TASK_ROOT, path.join(TASK_ROOT, folder)] }));
  } catch (error) {
    if (error instanceof SyntaxError) throw new Fault('UserCodeSyntaxError', String(error));
    if (error?.code === 'MODULE_NOT_FOUND') throw new Fault('ImportModuleError', String(error));
    throw error;
  }
}

const CALLBACKS_ARE_GONE =
  'ERROR: AWS Lambda has removed support for callback-based function handlers starting with Node.js 24. You need to ' +
  'modify this function to use a supported handler signature to use Node.js 24 or later. For more information see ' +
  'https://docs.aws.amazon.com/lambda/latest/dg/nodejs-handler.html.';

const ALONE_ONLY =
  'Handlers that take a callback are not supported where several invocations run at once. Return a promise.';

async function loadHandler(text) {
  if (text.includes('..')) {
    const why = 'is not a valid handler name. Use absolute paths when specifying root directories in handler names.';
    throw new Fault('MalformedHandlerName', `'${text}' ${why}`);
  }
  const base = path.basename(text);
  const match = /^([^.]*)\.(.*)$/.exec(base);
  if (!match) throw new Fault('MalformedHandlerName', 'Bad handler');
  const module = await loadModule(text.slice(0, text.indexOf(base)), match[1]);
  const find = (root) => match[2].split('.').reduce((nested, key) => nested?.[key], root);
  const found = find(module) || (HAS_CALLBACKS ? undefined : find(module?.default));
  if (!found) throw new Fault('HandlerNotFound', `${text} is undefined or not exported`);
  if (typeof found !== 'function') throw new Fault('HandlerNotFound', `${text} is not a function`);
  if (!HAS_CALLBACKS && found.length >= 3 && !found[STREAMING]) throw new Fault('CallbackHandlerDeprecated', CALLBACKS_ARE_GONE);
  return found;
}

/** An error that nobody caught ends the process, after its invocation, if there is one, has been told. */
function die(title, error, exitStatus) {
  logError(title, error);
  if (responseStream?.hasBegun && failStream(responseStream, error)) {
    const exit = () => process.exit(exitStatus);
    if (responseStream.destroyed) setImmediate(exit);
    else responseStream.once('close', exit);
    return;
  }
  const where = handler === undefined ? 'init/error' : current && `invocation/${current}/error`;
  if (where) postError(where, error, () => process.exit(exitStatus));
  else process.exit(exitStatus);
}

/** A question to the Runtime API and its answer. */
function ask(question, whatFor) {
  const answered = new Promise((resolve) => {
    expected.push((status, _, body) => {
      if (status !== 200) stop(`the Runtime API answered ${status} to the question ${whatFor}`);
      resolve(body);
    });
  });
  send(question);
  return answered;
}

/**
 * What a stem does: it is started before anybody knows for which function, and asks. When the answer comes, the code is
 * mounted; in it are the function's environment variables.
 */
async function becomeAFunction() {
  await rehearse();
  const variables = JSON.parse(await ask(get('function'), 'which function this is'));
  socket.unref();
  delete process.env.TINDERBOX_STEM;
  Object.assign(process.env, variables);
  process.chdir(TASK_ROOT);
}

// The first makes functions known to the compiler, the others let it see what they are called with.
const REHEARSALS = 3;

/**
 * The first time is slow: functions that were never compiled and memory that was never touched cost more than all else
 * that a cold start does. So a stem answers events that nobody sent. Nothing of that is left for the function to find.
 */
async function rehearse() {
  const own = { env: { ...process.env } };
  const file = path.join(__dirname, 'rehearsal');
  const headers = { 'lambda-runtime-aws-request-id': '0', 'lambda-runtime-deadline-ms': '1', 'lambda-runtime-trace-id': 'Root=0' };
  patchConsole();
  for (let i = 0; i < REHEARSALS; i++) {
    await ask(NEXT.replace('runtime/invocation/next', 'ping'), 'whether it is there');
    own.socket = socket;
    environmentPart = readEnvironment();
    handler = await loadHandler(`${file}.handler`);
    delete require.cache[`${file}.js`];
    const posted = new Promise((resolve) => (socket = { ref: nothing, unref: nothing, write: resolve }));
    takeEvent(200, headers, '{"key":["a",1,2.5,true,{"b":0}]}');
    await posted;
    socket = own.socket;
    expected.length = 0;
  }
  module.children.length = 0;
  for (const name of Object.keys(process.env)) if (!(name in own.env)) delete process.env[name];
  requestId = HAS_CALLBACKS ? undefined : '-';
  handler = current = undefined;
  hadTrace = true;
}

async function main() {
  connect();
  if (process.env.TINDERBOX_STEM) await becomeAFunction();
  environmentPart = readEnvironment();
  const most = Number(process.env.AWS_LAMBDA_MAX_CONCURRENCY);
  const multi = most ? require('./multi.cjs') : undefined;
  if (multi) invocation = multi.invocation;
  patchConsole();
  process.on('beforeExit', () => whenLoopIsEmpty());
  if (HAS_CALLBACKS) {
    process.on('uncaughtException', (error) => die('Uncaught Exception', error, 129));
    process.on('unhandledRejection', (reason, promise) => {
      const error = new Fault('UnhandledPromiseRejection', String(reason));
      die('Unhandled Promise Rejection', Object.assign(error, { reason, promise }), 128);
    });
  }
  // A module that waits for what can never happen.
  whenLoopIsEmpty = () => process.exit(13);
  try {
    handler = await loadHandler(process.env._HANDLER || '');
    if (multi && !handler[STREAMING] && handler.length >= 3) throw new Fault('HandlerNotSupported', ALONE_ONLY);
  } catch (error) {
    if (HAS_CALLBACKS) die('Uncaught Exception', error, 129);
    else die('Init Error', error, 1);
    return;
  }
  whenLoopIsEmpty = nothing;
  if (most) {
    socket.destroy();
    socket = undefined;
    const api = { host: API_HOST, api: API, stop, complain };
    const answer = handler[STREAMING] === 'response' ? { newResponseStream, writeResponse } : { serialize, logError, errorDocument };
    multi.serve(most, { ...api, ...answer, handler, headerPart, environmentPart });
    return;
  }
  if (handler[STREAMING] === 'response') run = invokeStreaming;
  expected.push(takeEvent);
  send(NEXT);
}

main();
