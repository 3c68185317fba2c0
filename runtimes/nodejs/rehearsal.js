// SPDX-License-Identifier: Apache-2.0
//
// A function that a stem runs before it is one: a little of what most functions do. See `rehearse` in `bootstrap.cjs`.

const fs = require('fs');
const path = require('path');

const PREFIX = process.env.PREFIX || '';

class Item {
  #values;

  constructor(key, ...values) {
    this.key = key;
    this.#values = values;
  }

  get size() {
    return this.#values.filter((value) => value !== null).length;
  }

  toString() {
    return `${this.key}: ${this.size}`;
  }
}

const first = (values) => values.find((value) => typeof value === 'string' && value.startsWith(PREFIX));

exports.handler = async (event, context) => {
  const items = Object.entries(event).map(([key, values]) => new Item(key, ...values));
  let name;
  try {
    name = event.missing.name;
  } catch (error) {
    name = error.message;
  }
  await null;
  const isThere = fs.existsSync(path.join('/var', 'task'));
  const body = JSON.stringify({ name, isThere, items: items.map(String), at: new Date().toISOString() });
  const left = context.getRemainingTimeInMillis();
  return { statusCode: 200, body, left, first: first(event.key), ...Object.fromEntries(items.map((item) => [item.key, item.size])) };
};
