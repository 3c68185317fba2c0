// SPDX-License-Identifier: Apache-2.0
//
// Several invocations at once in one process: as many as may run wait for events, each on a connection of its own, and
// handlers run beside each other as promises. What is logged belongs to the invocation that it was called from.
//
// `bootstrap.cjs` loads this file when `AWS_LAMBDA_MAX_CONCURRENCY` is set. Everything here is rare there.

'use strict';

const { AsyncLocalStorage } = require('async_hooks');
const http = require('http');
const net = require('net');

const running = new AsyncLocalStorage();

/** What a log line refers to: the invocation that it was called from. */
const invocation = () => running.getStore() ?? { requestId: undefined, tenantId: undefined };

/** Serves `count` events at once. `runtime` is what the bootstrap lends. */
function serve(count, runtime) {
  for (let i = 0; i < count; i++) {
    poll(runtime).catch((error) => runtime.stop(`the connection to the Runtime API broke: ${error.message}`));
  }
}

async function poll(runtime) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  for (;;) {
    const { status, headers, body } = await ask(runtime, agent, 'GET', 'invocation/next');
    if (status !== 200) runtime.stop(`the Runtime API answered ${status} to the request for the next event`);
    const requestId = headers['lambda-runtime-aws-request-id'];
    const store = { requestId, tenantId: headers['lambda-runtime-aws-tenant-id'] };
    const answer = runtime.writeResponse ? stream : post;
    const taken = await running.run(store, () => answer(runtime, agent, headers, body));
    // One that comes too late is told so, and changes nothing.
    runtime.complain(taken.status, taken.headers, taken.body);
  }
}

async function post(runtime, agent, headers, body) {
  const answer = await run(runtime, headers, body);
  const path = `invocation/${headers['lambda-runtime-aws-request-id']}/${answer.what}`;
  return ask(runtime, agent, 'POST', path, answer.headers, answer.document);
}

/** The response is what the handler writes, in chunks on a connection of its own. */
async function stream(runtime, _agent, headers, body) {
  const socket = net.connect(address(runtime));
  socket.setNoDelay(true);
  const chunks = [];
  socket.on('data', (chunk) => chunks.push(chunk));
  // What could not be written is told to who wrote it.
  socket.on('error', () => {});
  const path = `${runtime.api}/invocation/${headers['lambda-runtime-aws-request-id']}/response`;
  let head = `POST ${path} HTTP/1.1\r\nHost: ${runtime.host}\r\nConnection: close\r\n`;
  const write = (message, whenWritten) => {
    socket.write(Buffer.concat([Buffer.from(head), message]), whenWritten);
    head = '';
  };
  const closed = new Promise((resolve) => socket.once('close', resolve));
  await runtime.writeResponse(runtime.newResponseStream(write), headers, body);
  await closed;
  const [first, ...rest] = Buffer.concat(chunks).toString().split('\r\n\r\n');
  return { status: Number(first.slice(9, 12)), headers: {}, body: rest.join('') };
}

function address(runtime) {
  const colon = runtime.host.lastIndexOf(':');
  return { host: runtime.host.slice(0, colon), port: Number(runtime.host.slice(colon + 1)) };
}

/** One invocation: what to post about it. */
async function run(runtime, headers, body) {
  try {
    const context = { ...runtime.headerPart(headers), ...runtime.environmentPart };
    context.xRayTraceId = headers['lambda-runtime-trace-id'];
    const value = await runtime.handler(JSON.parse(body), context);
    return { what: 'response', headers: {}, document: runtime.serialize(value) };
  } catch (error) {
    runtime.logError('Invoke Error', error);
    const document = runtime.errorDocument(error);
    const kind = /^[\x20-\x7e]+$/.test(document.errorType) ? document.errorType : 'Function.Unknown';
    return { what: 'error', headers: { 'Lambda-Runtime-Function-Error-Type': kind }, document: JSON.stringify(document) };
  }
}

function ask(runtime, agent, method, what, headers, document) {
  const more = document === undefined ? {} : { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(document) };
  const options = { ...address(runtime), method, agent, path: `${runtime.api}/${what}`, headers: { ...headers, ...more } };
  return new Promise((resolve, reject) => {
    const request = http.request(options, (response) => {
      const chunks = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const body = Buffer.concat(chunks).toString();
        resolve({ status: response.statusCode, headers: response.headers, body });
      });
    });
    request.on('error', reject);
    request.setNoDelay(true);
    request.end(document);
  });
}

module.exports = { invocation, serve };
