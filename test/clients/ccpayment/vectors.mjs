// Vectors A to F of docs/protocols/ccpayment.md, and the forged one. Their signatures were made with openssl.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { open, sign } from './ccpayment.mjs';

const appId = '202302010636261620672405236006912';
const secret = '0123456789abcdef0123456789abcdef';

const vectors = {
  A: {
    timestamp: '1677152490',
    body: '{"order_valid_period":823456,"product_price":"1","merchant_order_id":"2012033040550","product_name":"test","return_url":"https://checkout.ccpayment.com/xxxxx"}',
    sign: 'f62e8b3a0e8c66e0296a1f2a3a34ad1743a76416f6fed7acac0a8279081fa2a3',
  },
  B: {
    timestamp: '1677152490',
    body: '{"product_price":"1","merchant_order_id":"2012033040550","product_name":"test","return_url":"https:\\/\\/checkout.ccpayment.com\\/xxxxx"}',
    sign: 'deef366d2d13b646f3d2bc173dee475131cd45f7044853ba87e6f3eee4fb45c7',
  },
  C: { timestamp: '1677152490', body: '', sign: '11e7441513af216a6d45225fed30d8e9c5764c1ada798d8f7d564fb77bc2aaa7' },
  D: { timestamp: '1677152490', body: '{}', sign: 'da75e5716782aedace10c441398b4470f71486ae9e9573b83d485a419c68e743' },
  E: {
    timestamp: '1677152491',
    body: '{"code":10000,"msg":"success","data":{"payment_url":"https://pay.example.com/c/0a1b2c3d"}}',
    sign: 'da6db90af8b148371ce681d63229497218511a8f66c421003b513ba79d47bebd',
  },
  F: {
    timestamp: '1677152500',
    body: '{"pay_status":"success","order_type":"API Deposit","record_id":"202302201213531627642695975706624","order_id":"202302200951001627606736097771520","product_price":"25","denominated_currency":"USD","order_amount":"25","fiat_rate":"1","paid_amount":"25","credit_amount":"24.9925","token_rate":"1","chain":"TRX","contract":"TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t","crypto":"USDT","txid":"d46fb13dccbda8b5ac9f4f46458d1de4f6051cc2e3da85093b168e6871595d94","network_fee":"0","service_fee":"0.0075","memo":"","extend":{"merchant_order_id":"2012033040550"},"custom_value":"a&b<c>"}',
    sign: '858ef2f7c7507366748cd4c11f89b439247556d7935b9e87e0054fab3e05ea87',
  },
};

const headers = (v) => ({ appid: appId, timestamp: v.timestamp, sign: v.sign });
const at = (timestamp) => ({ appId, secret, now: () => Number(timestamp) });

for (const [name, v] of Object.entries(vectors)) {
  assert.equal(sign(appId, secret, v.timestamp, v.body), v.sign, name);
}

// What a gateway sends is read as the vendor's SDK reads it.
for (const name of ['D', 'E', 'F']) {
  const v = vectors[name];
  assert.deepEqual(open(at(v.timestamp), headers(v), v.body), JSON.parse(v.body), name);
  const spoilt = {
    'another body': [headers(v), `${v.body.slice(0, -1)},"x":1}`],
    'another time': [{ ...headers(v), timestamp: String(Number(v.timestamp) + 1) }, v.body],
    'another app': [{ ...headers(v), appid: '1' }, v.body],
    'another signature': [{ ...headers(v), sign: v.sign.replace(/.$/, (c) => (c === '0' ? '1' : '0')) }, v.body],
    'no signature': [{ ...headers(v), sign: undefined }, v.body],
  };
  for (const [what, [h, body]] of Object.entries(spoilt)) {
    assert.throws(() => open(at(v.timestamp), h, body), undefined, `${name}: ${what}`);
  }
  assert.throws(() => open(at(Number(v.timestamp) + 121), headers(v), v.body), /signed at/, `${name}: old`);
}

// Text that JSON.stringify writes in another way does not verify, although its bytes are signed as they are.
const canonical = ['{"a":"&<>"}', '{"a":1}', '{"a":"\u2028"}', '{"a":"\\b"}', '{"b":1,"a":2}'];
const other = ['{"a":"\\u0026"}', '{"a":1.0}', '{"a":"\\u2028"}', '{"a":"\\u0008"}', '{"b":0,"1":2}', '{"a": 1}', '{"a":1}\n', '{"a":1,"a":1}', vectors.B.body];
for (const [texts, verify] of [[canonical, true], [other, false]]) {
  for (const body of texts) {
    const v = { timestamp: '1677152490', sign: sign(appId, secret, '1677152490', body) };
    const read = () => open(at(v.timestamp), headers(v), body);
    if (verify) assert.deepEqual(read(), JSON.parse(body));
    else assert.throws(read, /not what JSON.stringify writes/, body);
  }
}

// The forged body begins with vector D and its hash is right: whoever only hashes takes it.
const forged = Buffer.from('7b7d' + '80' + '00'.repeat(48) + '0268' + '7b2278223a317d', 'hex');
const forgedSign = 'b8e1e9ef2da3f5d8dd7d3bcd20801eac33b816d3e3f62294f83217cecdcd00a3';
const whole = Buffer.concat([Buffer.from(appId + secret + '1677152490'), forged]);
assert.equal(createHash('sha256').update(whole).digest('hex'), forgedSign, 'the forged vector verifies over its bytes');
const f = { timestamp: '1677152490', sign: forgedSign };
assert.throws(() => open(at(f.timestamp), headers(f), forged.toString('utf8')), SyntaxError, 'the forged vector is refused');

process.stdout.write('{"end":{}}\n');
