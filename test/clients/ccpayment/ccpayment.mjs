// A client for the CCPayment v1 API in the manner of the vendor's Node SDK: what is received is parsed, written again by
// JSON.stringify, and only then hashed. Text that JSON.stringify would write in another way does not verify here.
import { createHash, timingSafeEqual } from 'node:crypto';
import http from 'node:http';
import https from 'node:https';

// sign is SHA-256 over app id, secret, time and body, without separators.
export function sign(appId, secret, timestamp, body) {
  return createHash('sha256').update(appId + secret + timestamp).update(body).digest('hex');
}

// open verifies what came with headers under the names of Node (lower case) and returns what it says.
export function open({ appId, secret, now = unixNow }, headers, text) {
  const { appid, timestamp, sign: signature } = headers;
  if (appid !== appId) throw new Error(`Appid is ${appid}`);
  if (!/^[0-9]{10}$/.test(timestamp ?? '')) throw new Error(`Timestamp is ${timestamp}`);
  if (Math.abs(now() - Number(timestamp)) > 120) throw new Error(`signed at ${timestamp}, now it is ${now()}`);
  if (!/^[0-9a-f]{64}$/.test(signature ?? '')) throw new Error(`Sign is ${signature}`);
  const said = JSON.parse(text);
  const canonical = JSON.stringify(said);
  if (!same(signature, sign(appId, secret, timestamp, canonical))) {
    const asSent = same(signature, sign(appId, secret, timestamp, text));
    throw new Error(asSent ? `not what JSON.stringify writes: ${text}` : `wrong signature of ${text}`);
  }
  return said;
}

function same(a, b) {
  return timingSafeEqual(Buffer.from(a, 'hex'), Buffer.from(b, 'hex'));
}

export function unixNow() {
  return Math.floor(Date.now() / 1000);
}

// Refusal is an answer whose code is not 10000.
export class Refusal extends Error {
  constructor(path, { code, msg, reason }) {
    super(`${path} answers ${code} ${msg}${reason ? `: ${reason}` : ''}`);
    this.code = code;
  }
}

export class Client {
  // url is the gateway's, without a path.
  constructor({ url, appId, secret }) {
    Object.assign(this, { url, appId, secret });
  }

  // call asks for /ccpayment/v1/path and returns the data of the verified answer. Without params there is no body.
  async call(path, params) {
    return (await this.answer(path, params === undefined ? '' : JSON.stringify(params))).data;
  }

  // answer posts a body as it is. How it is signed can be spoilt, to see that it is refused.
  async answer(path, body, { appId = this.appId, secret = this.secret, timestamp = String(unixNow()) } = {}) {
    const reply = await post(`${this.url}/ccpayment/v1/${path}`, body, {
      Appid: appId,
      Timestamp: timestamp,
      Sign: sign(appId, secret, timestamp, body),
      'Content-Type': 'application/json; charset=utf-8',
    });
    if (reply.status !== 200) throw new Error(`${path} answers HTTP ${reply.status}: ${reply.text}`);
    if (!/^application\/json\b/i.test(reply.headers['content-type'] ?? '')) {
      throw new Error(`${path} answers ${reply.headers['content-type']}`);
    }
    const unsigned = appId !== this.appId; // who is nobody's app is answered without a signature
    let envelope;
    try {
      envelope = unsigned ? JSON.parse(reply.text) : open(this, reply.headers, reply.text);
    } catch (why) {
      throw new Error(`${path}: ${why.message}`);
    }
    if (!Number.isInteger(envelope.code) || typeof envelope.msg !== 'string') {
      throw new Error(`${path} has another envelope: ${reply.text}`);
    }
    if (envelope.code !== 10000) throw new Refusal(path, envelope);
    if (envelope.msg !== 'success') throw new Error(`${path} succeeds with msg ${envelope.msg}`);
    return envelope;
  }
}

// post sends the body's bytes and reads the answer as text.
function post(url, body, headers) {
  return send(url, { method: 'POST', headers: { ...headers, 'Content-Length': Buffer.byteLength(body) } }, body);
}

// get reads a page.
export function get(url) {
  return send(url, { method: 'GET' }, '');
}

function send(url, options, body) {
  const { request } = url.startsWith('https:') ? https : http;
  return new Promise((resolve, reject) => {
    const asked = request(url, { ...options, timeout: 15_000 }, (reply) => {
      const chunks = [];
      reply.on('data', (chunk) => chunks.push(chunk));
      reply.on('error', reject);
      reply.on('end', () => {
        resolve({ status: reply.statusCode, headers: reply.headers, text: Buffer.concat(chunks).toString('utf8') });
      });
    });
    asked.on('timeout', () => asked.destroy(new Error(`${url} does not answer`)));
    asked.on('error', reject);
    asked.end(body);
  });
}
