// A merchant's whole dealings with a CCPayment v1 gateway, step by step, relying on what the documents promise and on
// nothing else. The environment says with whom (see Config in client.go); world.mjs is who pays.
import { Client, Refusal, get, unixNow } from './ccpayment.mjs';
import { half, same, text, units } from './decimal.mjs';
import { Postbox } from './postbox.mjs';
import * as shapes from './shapes.mjs';
import { ask, run, step } from './world.mjs';

const { URL: url, APPID: appId, SECRET: secret, PORT, CALLBACK: callback, CRYPTO: crypto, CHAIN: chain, PRICE: price } = process.env;
const { REFERENCE: reference, PAYEE: payee, PAYOUT: payout, PATIENCE: patience, HOSTED: hosted, REFUND: refunds } = process.env;

const shop = new Client({ url, appId, secret });
const postbox = new Postbox(shop, Number(patience) * 1000);
const custom = 'a&b<c> "é" \\ 漢/'; // what encoders write in more than one way
const began = unixNow();

// read calls and checks the fields of the answer.
async function read(path, params, shape) {
  return shapes.check(shape, await shop.call(path, params), path);
}

// info asks for one order or withdrawal.
async function info(id, shape) {
  const list = await read('bill/info', { merchant_order_ids: [id] }, shape);
  must(list.length === 1, `bill/info has ${list.length} of ${id}`);
  return { detail: list[0].order_detail, trades: list[0].trade_list };
}

function must(holds, what) {
  if (!holds) throw new Error(what);
}

// refused sees that something is refused with the code.
async function refused(what, code, attempt) {
  try {
    await attempt();
  } catch (why) {
    if (why instanceof Refusal && why.code === code) return;
    throw new Error(`${what}: ${why.message}, not ${code}`);
  }
  throw new Error(`${what} is not refused`);
}

run(async () => {
  await postbox.listen(Number(PORT));
  await strangers();
  const { coin, token } = await catalogue();
  await rates(token);
  await checkoutPage(token);
  const order = await sell(token);
  const deposit = await depositAddress(token);
  const earned = await balance(coin, [order.records, deposit]);
  const paid = await payOut(coin, token);
  const refunded = await refund(token, order);
  await resend([...order.records, deposit, paid.record, ...refunded]);
  await ask('rest', {}); // nobody hangs up on who is speaking
  postbox.close();
  return { order_id: order.id, pay_address: order.address, deposit_address: deposit.body.to_address, earned, withdrawal: paid.id };
});

// strangers: who cannot sign is refused, and by the documented envelope.
async function strangers() {
  const timestamp = String(unixNow());
  await refused('a wrong secret', 11005, () => shop.answer('coin/all', '{}', { secret: `${secret}0` }));
  await refused('an old request', 11006, () => shop.answer('coin/all', '{}', { timestamp: String(unixNow() - 125) }));
  await refused('milliseconds', 11001, () => shop.answer('coin/all', '{}', { timestamp: `${timestamp}000` }));
  await refused('nobody’s app', 12001, () => shop.answer('coin/all', '{}', { appId: appId.replace(/.$/, (c) => (c === '0' ? '1' : '0')) }));
  // The hash of this one is right: without separators, nobody can tell where the time ends.
  await refused('a digit of the time in the body', 11001, () => shop.answer('coin/all', `${timestamp.slice(9)}{}`, { timestamp: timestamp.slice(0, 9) }));
  step('refusals');
}

async function catalogue() {
  const { list } = await read('coin/all', undefined, shapes.coins);
  const found = list.flatMap((coin) => coin.tokens.map((token) => ({ coin, token })))
    .filter(({ token }) => token.crypto === crypto && token.chain === chain);
  must(found.length === 1, `coin/all has ${found.length} tokens ${crypto} on ${chain}`);
  const [{ coin, token }] = found;
  must(coin.crypto === crypto && token.status === 1, `coin/all has ${JSON.stringify(coin)}`);
  step('coin/all', { token_id: token.token_id, coin_id: coin.coin_id });

  const supported = await read('support/token', {}, shapes.supported);
  must(supported.list.some((s) => s.crypto === crypto), `support/token has no ${crypto}`);
  step('support/token');
  const chains = await read('token/chain', { token_id: token.token_id }, shapes.chains);
  must(chains.list.some((c) => c.token_id === token.token_id && c.chain === chain && c.contract === token.contract), 'token/chain has it not');
  step('token/chain');
  const heights = await read('get/network/height/info', undefined, shapes.heights);
  must(heights.some((h) => h.chain === chain && h.tx_confirm_block_num > 0), `get/network/height/info has no ${chain}`);
  step('get/network/height/info');
  // Who the users are is the gateway's affair: one who is not there is refused by any code.
  try {
    await read('check/user', { c_id: '9558861' }, shapes.user);
  } catch (why) {
    if (!(why instanceof Refusal)) throw why;
  }
  step('check/user');
  return { coin, token };
}

async function rates(token) {
  const rate = await read('token/rate', { token_id: token.token_id, amount: price }, shapes.rate);
  const worth = (units(rate.price) * units(rate.value)) / 10n ** 18n;
  const off = worth - units(price);
  must((off < 0n ? -off : off) * 1_000_000n < units(price), `token/rate: ${rate.value} at ${rate.price} is not ${price}`);
  step('token/rate', rate);
  const fee = await read('network/fee', { token_id: token.token_id, address: '', memo: '' }, shapes.fee);
  must(fee.token_id === token.token_id, 'network/fee of another token');
  step('network/fee', fee);
}

// checkoutPage makes a hosted order, twice by mistake. It is paid on its page if the world can do that.
async function checkoutPage(token) {
  const order = {
    product_price: price, merchant_order_id: `${reference}-hosted`, product_name: 'Tea & <Biscuits>', order_valid_period: 3600,
    return_url: 'https://shop.example/thanks', notify_url: `${callback}/hosted`, custom_value: custom,
  };
  const { payment_url } = await read('concise/url/get', order, shapes.hosted);
  const again = await read('concise/url/get', order, shapes.hosted);
  must(again.payment_url === payment_url, `the same order has two pages: ${payment_url} ${again.payment_url}`);
  await refused('another order of the same name', 11011, () => shop.call('concise/url/get', { ...order, product_price: '7.77' }));
  await refused('a price that is a number', 11000, () => shop.call('concise/url/get', { ...order, merchant_order_id: `${reference}-n`, product_price: 7 }));
  await refused('eleven days', 11012, () => shop.call('concise/url/get', { ...order, merchant_order_id: `${reference}-d`, order_valid_period: 11 * 86_400 }));
  step('concise/url/get', { payment_url });

  const page = await get(payment_url);
  must(page.status === 200 && /^text\/html\b/.test(page.headers['content-type']), `its page is HTTP ${page.status}`);
  for (const secretOf of [order.merchant_order_id, '漢', order.notify_url]) {
    must(!page.text.includes(secretOf), `the page shows ${secretOf}`);
  }
  const { detail, trades } = await info(order.merchant_order_id, shapes.deposits);
  must(detail.status === 'Pending' && (detail.order_status ?? 'Awaiting payment') === 'Awaiting payment', `a new order is ${detail.status}`);
  must(detail.crypto === '' && detail.order_amount === '' && trades.length === 0, 'nobody has picked a coin yet');
  must(detail.product_name === order.product_name && same(detail.product_price, price), 'bill/info tells of another order');
  step('payment_url', { order_id: detail.order_id });
  if (hosted !== 'yes') return;

  await ask('hosted', { payment_url, token_id: token.token_id, crypto, chain });
  const told = await postbox.wait('the hosted order', (w) => w.path === '/hosted' && w.body.pay_status === 'success');
  must(told.body.order_id === detail.order_id && told.body.custom_value === custom, `the hosted order is told as ${told.text}`);
  step('hosted order paid', { record_id: told.body.record_id });
}

// sell makes an order on the shop's own page, which is paid in two parts.
async function sell(token) {
  const id = `${reference}-bill`;
  const order = {
    token_id: token.token_id, product_price: price, merchant_order_id: id, denominated_currency: 'USD', order_valid_period: 3600,
    remark: 'a remark', notify_url: `${callback}/bill`, custom_value: custom,
  };
  const bill = await read('bill/create', order, shapes.bill);
  must(bill.token_id === token.token_id && bill.crypto === crypto && bill.network === token.network, `bill/create answers ${JSON.stringify(bill)}`);
  must(bill.order_valid_period === 3600 && units(bill.amount) > 0n, `bill/create answers ${JSON.stringify(bill)}`);
  const again = await read('bill/create', order, shapes.bill);
  must(again.order_id === bill.order_id && again.pay_address === bill.pay_address && again.amount === bill.amount, 'the same order is made twice');
  await refused('another order of the same name', 11011, () => shop.call('bill/create', { ...order, product_price: '7.77' }));
  await refused('a token that nobody has', 13000, () =>
    shop.call('bill/create', { ...order, merchant_order_id: `${id}-t`, token_id: '00000000-0000-4000-8000-000000000000' }));
  step('bill/create', bill);

  const first = half(bill.amount, token.precision);
  const rest = text(units(bill.amount) - units(first));
  const records = [];
  for (const [amount, status, matrix] of [[first, 'Pending', 'Underpayment'], [rest, 'Successful', 'Paid']]) {
    records.push(await part(token, bill, amount, records));
    const { detail, trades } = await info(id, shapes.deposits);
    must(detail.status === status && (detail.order_status ?? matrix) === matrix, `after ${amount} of ${bill.amount} it is ${detail.status}, ${detail.order_status}`);
    must(detail.merchant_order_id === id && detail.order_id === bill.order_id && same(detail.order_amount, bill.amount), `bill/info tells of another order: ${JSON.stringify(detail)}`);
    must(detail.chain === chain && detail.crypto === crypto && detail.contract === token.contract, `bill/info: ${JSON.stringify(detail)}`);
    must(trades.length === records.length, `bill/info has ${trades.length} trades`);
    for (const { body } of records) {
      must(trades.some((t) => t.txid === body.txid && same(t.amount, body.paid_amount) && t.status === 'Successful'), `bill/info has no trade of ${body.txid}`);
    }
    step(`bill/info ${matrix}`, { trades: trades.length });
  }
  const unknown = await read('bill/info', { merchant_order_ids: [`${id}-unknown`] }, shapes.deposits);
  must(unknown.length === 0, 'bill/info knows an unknown order');
  await refused('101 orders', 11010, () => shop.call('bill/info', { merchant_order_ids: Array.from({ length: 101 }, (_, i) => `o${i}`) }));
  return { id: bill.order_id, address: bill.pay_address, amount: bill.amount, records };
}

// part pays a part of a bill and hears of it.
async function part(token, bill, amount, before) {
  const known = before.map((w) => w.body.record_id);
  const paid = await ask('pay', { order_id: bill.order_id, address: bill.pay_address, memo: bill.memo, crypto, chain, contract: token.contract, amount });
  const told = await postbox.wait(`the payment of ${amount}`, ({ path, body }) => path === '/bill' && body.pay_status === 'success' && !known.includes(body.record_id));
  const { body } = told;
  must(body.order_id === bill.order_id && body.extend.merchant_order_id === `${reference}-bill`, `another order is told: ${told.text}`);
  must(same(body.paid_amount, amount) && same(body.order_amount, bill.amount) && same(body.product_price, price), `other amounts are told: ${told.text}`);
  must(body.denominated_currency === 'USD' && same(body.fiat_rate, '1') && body.custom_value === custom, `told ${told.text}`);
  must(body.crypto === crypto && body.chain === chain && body.contract === token.contract, `another token is told: ${told.text}`);
  must(units(body.credit_amount) + units(body.service_fee) === units(body.paid_amount), `credit and fee are not what was paid: ${told.text}`);
  must(body.txid !== '' && (!paid.txid || paid.txid === body.txid), `another transaction is told: ${told.text}`);
  step('API Deposit webhook', { record_id: body.record_id, txid: body.txid });
  return told;
}

// depositAddress is a payer's address for good.
async function depositAddress(token) {
  const user = { user_id: `${reference}-user`, chain, notify_url: `${callback}/deposit` };
  const { address, memo } = await read('payment/address/get', user, shapes.address);
  const again = await read('payment/address/get', user, shapes.address);
  must(again.address === address, 'the address is not permanent');
  const other = await read('payment/address/get', { ...user, user_id: `${reference}-other` }, shapes.address);
  must(other.address !== address, 'two users have one address');
  await refused('a user of two letters', 11000, () => shop.call('payment/address/get', { ...user, user_id: 'ab' }));
  step('payment/address/get', { address });

  const paid = await ask('pay', { order_id: '', address, memo, crypto, chain, contract: token.contract, amount: '3' });
  const told = await postbox.wait('the deposit', ({ path, body }) => path === '/deposit' && body.pay_status === 'success');
  const { body } = told;
  must(body.order_type === 'Direct Deposit' && body.user_id === user.user_id && body.to_address === address, `told ${told.text}`);
  must(same(body.paid_amount, '3') && units(body.credit_amount) + units(body.service_fee) === units('3'), `other amounts are told: ${told.text}`);
  must(body.crypto === crypto && body.chain === chain && body.contract === token.contract, `another token is told: ${told.text}`);
  must(!paid.txid || paid.txid === body.txid, `another transaction is told: ${told.text}`);
  step('Direct Deposit webhook', { record_id: body.record_id });
  return told;
}

async function assetOf(coin) {
  const { list } = await read('assets', { coin_id: coin.coin_id }, shapes.assets);
  must(list.length === 1 && list[0].coin_id === coin.coin_id, `assets of one coin: ${JSON.stringify(list)}`);
  return list[0].value;
}

// balance is at least what was credited: the merchant may have had something before.
async function balance(coin, told) {
  const credited = told.flat().reduce((sum, { body }) => sum + units(body.credit_amount), 0n);
  const value = await assetOf(coin);
  must(units(value) >= credited, `${text(credited)} was credited, and the balance is ${value}`);
  const all = await read('assets', undefined, shapes.assets);
  must(all.list.some((a) => a.coin_id === coin.coin_id && a.value === value), 'assets differ with and without a filter');
  step('assets', { value });
  return text(credited);
}

// payOut withdraws some of it.
async function payOut(coin, token) {
  const id = `${reference}-out`;
  const before = await assetOf(coin);
  const order = { merchant_order_id: id, token_id: token.token_id, address: payee, value: payout, memo: '', merchant_pays_fee: false };
  await refused('no address', 14007, () => shop.call('withdraw', { ...order, merchant_order_id: `${id}-a`, address: 'nowhere' }));
  await refused('more than there is', 14000, () => shop.call('withdraw', { ...order, merchant_order_id: `${id}-b`, value: text(units(before) + units('1')) }));
  const out = await read('withdraw', order, shapes.withdrawn);
  const again = await read('withdraw', order, shapes.withdrawn);
  must(again.order_id === out.order_id && again.record_id === out.record_id, 'the same withdrawal is made twice');
  const fee = out.network_fee_crypto === crypto ? units(out.network_fee) : 0n;
  must(units(out.net_receivable) + fee === units(payout), `of ${payout} come ${out.net_receivable} less ${out.network_fee}`);
  const left = await assetOf(coin);
  must(units(before) - units(left) === units(payout), `${payout} left and the balance went from ${before} to ${left}`);
  await refused('another of the same name', 11011, () => shop.call('withdraw', { ...order, value: text(units(payout) / 2n) }));
  step('withdraw', out);

  await ask('settle', { what: 'withdrawal', id: out.order_id, merchant_order_id: id });
  const told = await postbox.wait('the withdrawal', ({ body }) => body.order_type === 'API Withdrawal' && body.merchant_order_id === id && body.pay_status !== 'processing');
  const { body } = told;
  must(body.pay_status === 'success' && body.order_id === out.order_id && body.txid !== '', `told ${told.text}`);
  must(body.to_address === payee && same(body.withdraw_amount, payout) && same(body.net_receivable, out.net_receivable), `told ${told.text}`);
  const { detail, trades } = await info(id, shapes.withdrawals);
  must(detail.status === 'Successful' && detail.order_id === out.order_id && same(detail.order_amount, payout), `bill/info: ${JSON.stringify(detail)}`);
  must(trades.length === 1 && trades[0].txid === body.txid, `bill/info: ${JSON.stringify(trades)}`);
  await refused('a deposit and a withdrawal', 11000, () => shop.call('bill/info', { merchant_order_ids: [id, `${reference}-bill`] }));
  step('API Withdrawal webhook', { txid: body.txid });
  return { id: out.order_id, record: told };
}

// refund has the gateway's operator pay the bill back, which v1 has no call for, and hears of it.
async function refund(token, order) {
  if (refunds !== 'yes') return [];
  await ask('refund', { what: 'refund', id: order.id });
  const told = await postbox.wait('the refund', ({ body }) => body.order_type === 'Refund');
  const { body } = told;
  must(told.path === '/app', `told at ${told.path}`);
  must(body.pay_status === 'success' && body.merchant_order_id === `${reference}-bill` && body.to_address === payee, `told ${told.text}`);
  must(same(body.amount, order.amount) && body.crypto === crypto && body.chain === chain && body.contract === token.contract, `told ${told.text}`);
  const [{ order_detail: detail, refund_list: list }] = await read('bill/info', { merchant_order_ids: [body.merchant_order_id] }, shapes.deposits);
  must(detail.status === 'Successful' && list.length === 1, `bill/info: ${JSON.stringify([detail, list])}`);
  const [{ refund_amount, actual_received_amount, network_fee, txid, address, status }] = list;
  must(same(refund_amount, body.amount) && units(actual_received_amount) + units(network_fee) === units(refund_amount), `bill/info: ${JSON.stringify(list)}`);
  must(txid === body.txid && txid !== '' && address === payee && status === 'Successful', `bill/info: ${JSON.stringify(list)}`);
  step('Refund webhook', { txid });
  return [told];
}

// resend has each webhook told again: the same bytes, signed anew.
async function resend(told) {
  const before = told.map((w) => postbox.count(w.body.record_id));
  const range = { start_timestamp: began, webhook_result: 'All Result', transaction_type: 'All Type' }; // an hour from there
  await refused('a span of two hours', 11008, () => shop.call('webhook/resend', { ...range, end_timestamp: began + 7200 }));
  await shop.call('webhook/resend', range);
  for (const [i, first] of told.entries()) {
    const again = await postbox.wait('what is sent again', (w) => w.text === first.text && postbox.count(first.body.record_id) > before[i]);
    must(again.body.record_id === first.body.record_id, 'it is another record');
  }
  await refused('a second time in a minute', 11004, () => shop.call('webhook/resend', range));
  step('webhook/resend', { told: told.length });
}
