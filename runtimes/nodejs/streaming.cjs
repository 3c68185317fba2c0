// SPDX-License-Identifier: Apache-2.0
//
// Responses that a handler writes while it runs: `awslambda.streamifyResponse` and what belongs to it. Loaded by the first
// function that asks for it.
//
// A stream is a request to the Runtime API in chunks, which begins with the first write. The callback of a write comes
// when the kernel has taken it, so a slow reader is felt by whoever waits for `drain`, as `pipeline` does.

'use strict';

const { Writable } = require('stream');

// Handlers carry these, so that libraries can mark theirs without `awslambda`.
const STREAMING = Symbol.for('aws.lambda.runtime.handler.streaming');
const HIGH_WATER_MARK = Symbol.for('aws.lambda.runtime.handler.streaming.highWaterMark');

const HTTP_RESPONSE = 'application/vnd.awslambda.http-integration-response';
const ERROR_TYPE = 'Lambda-Runtime-Function-Error-Type';
const ERROR_BODY = 'Lambda-Runtime-Function-Error-Body';

function streamifyResponse(handler, options) {
  handler[STREAMING] = 'response';
  if (typeof options?.highWaterMark === 'number') handler[HIGH_WATER_MARK] = Math.trunc(options.highWaterMark);
  return handler;
}

/** A response with status, headers and cookies: they go ahead of its first byte, and eight zeros between. */
class HttpResponseStream {
  static from(stream, prelude) {
    stream.setContentType(HTTP_RESPONSE);
    const text = JSON.stringify(prelude);
    stream._onBeforeFirstWrite = (write) => {
      write(text);
      write(Buffer.alloc(8));
    };
    return stream;
  }
}

class ResponseStream extends Writable {
  #write;
  #tooLate;
  #contentType = 'application/octet-stream';
  #hasBegun = false;
  #isOver = false;
  #trailers = '';

  /** `write(message, callback)` sends to the Runtime API; its first message follows the request's own first lines. */
  constructor(handler, write, tooLate) {
    super({ highWaterMark: handler[HIGH_WATER_MARK] });
    this.#write = write;
    this.#tooLate = tooLate;
  }

  get hasBegun() {
    return this.#hasBegun;
  }

  setContentType(contentType) {
    if (this.#hasBegun) throw this.#tooLate('Cannot set content-type, too late.');
    this.#contentType = String(contentType).replace(/[\r\n]/g, ' ');
  }

  write(chunk, ...rest) {
    const isBytes = typeof chunk === 'string' || chunk instanceof Uint8Array;
    return super.write(isBytes ? chunk : JSON.stringify(chunk), ...rest);
  }

  _write(chunk, _, callback) {
    this.#send([chunk], callback);
  }

  _writev(chunks, callback) {
    this.#send(chunks.map((one) => one.chunk), callback);
  }

  _final(callback) {
    this.#isOver = true;
    this.#send([], callback, `0\r\n${this.#trailers}\r\n`);
  }

  /** Ends the response with an error, behind what was written. Answers whether it was in time. */
  fail(errorType, document) {
    if (this.#isOver || this.writableEnded) return false;
    this.#trailers = `${ERROR_TYPE}: ${errorType}\r\n${ERROR_BODY}: ${Buffer.from(document).toString('base64')}\r\n`;
    if (this.destroyed) this._final(() => {});
    else this.end();
    return true;
  }

  #send(parts, callback, end = '') {
    const message = [];
    const add = (part) => {
      const bytes = typeof part === 'string' ? Buffer.from(part) : part;
      if (bytes.length) message.push(`${bytes.length.toString(16)}\r\n`, bytes, '\r\n');
    };
    if (!this.#hasBegun) {
      // The hook may not set the type any more, and a write of its own is no first write.
      this.#hasBegun = true;
      message.push(
        `Content-Type: ${this.#contentType}\r\nLambda-Runtime-Function-Response-Mode: streaming\r\n` +
          `Transfer-Encoding: chunked\r\nTrailer: ${ERROR_TYPE}, ${ERROR_BODY}\r\n\r\n`,
      );
      if (typeof this._onBeforeFirstWrite === 'function' && !this.#trailers) this._onBeforeFirstWrite(add);
    }
    parts.forEach(add);
    message.push(end);
    this.#write(Buffer.concat(message.map((part) => (typeof part === 'string' ? Buffer.from(part) : part))), callback);
  }
}

/** Resolves when everything was handed over, and rejects when the stream ended in another way. */
function finished(stream) {
  return new Promise((resolve, reject) => {
    const notFinished = () => reject(stream.errored ?? new Error('Response stream is not finished.'));
    if (stream.writableFinished) resolve();
    else if (stream.destroyed) notFinished();
    stream.once('finish', resolve);
    stream.once('close', () => (stream.writableFinished ? resolve() : notFinished()));
  });
}

module.exports = { streamifyResponse, HttpResponseStream, ResponseStream, finished };
