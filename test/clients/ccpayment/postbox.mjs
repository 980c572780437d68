// The shop's server for webhooks.
import http from 'node:http';
import { open } from './ccpayment.mjs';
import { check, webhooks } from './shapes.mjs';

export class Postbox {
  #told = []; // in the order of arrival, repeats as well
  #wrong;
  #wake = () => {};

  constructor(shop, patience) {
    Object.assign(this, { shop, patience });
    this.server = http.createServer((request, reply) => {
      const chunks = [];
      request.on('data', (chunk) => chunks.push(chunk));
      request.on('end', () => this.#receive(request, Buffer.concat(chunks).toString('utf8'), reply));
    });
  }

  listen(port) {
    return new Promise((resolve, reject) => this.server.once('error', reject).listen(port, '127.0.0.1', resolve));
  }

  // What does not verify is not acknowledged, and spoils the journey: no gateway may send it.
  #receive(request, text, reply) {
    try {
      if (request.method !== 'POST') throw new Error(`a ${request.method} came`);
      if (!/^application\/json\b/i.test(request.headers['content-type'] ?? '')) {
        throw new Error(`Content-Type is ${request.headers['content-type']}`);
      }
      const body = open(this.shop, request.headers, text);
      check((type) => type in webhooks, body.order_type, 'order_type');
      check(webhooks[body.order_type], body, body.order_type);
      this.#told.push({ path: request.url, timestamp: request.headers.timestamp, text, body });
      reply.end('success');
    } catch (why) {
      this.#wrong ??= new Error(`a webhook that is refused: ${why.message}`);
      reply.writeHead(400).end('refused');
    }
    this.#wake();
  }

  // wait returns the first webhook that fits, of those that were told already or will be.
  async wait(what, fits) {
    const until = Date.now() + this.patience;
    for (;;) {
      if (this.#wrong) throw this.#wrong;
      const found = this.#told.find(fits);
      if (found) return found;
      const left = until - Date.now();
      if (left <= 0) throw new Error(`waited for ${what}; told were ${this.#told.map((w) => w.text).join(' ') || 'none'}`);
      await new Promise((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#wake = () => (clearTimeout(timer), resolve());
      });
    }
  }

  // count is how many webhooks were told of a record.
  count(recordId) {
    return this.#told.filter((w) => w.body.record_id === recordId).length;
  }

  close() {
    if (this.#wrong) throw this.#wrong;
    this.server.close();
    this.server.closeAllConnections();
  }
}
