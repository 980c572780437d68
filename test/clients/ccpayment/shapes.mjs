// The fields of the documents. A name with "?" may be absent; any other name is an error, and so is another type.
import { units } from './decimal.mjs';

const string = (v) => typeof v === 'string';
const integer = (v) => Number.isSafeInteger(v);
const boolean = (v) => typeof v === 'boolean';
const amount = (v) => string(v) && (units(v), true);
const name = (v) => string(v) && v !== ''; // a string that says something
const maybe = (v) => v === '' || amount(v); // an amount that need not be known
const oneOf = (...words) => (v) => words.includes(v);
const list = (of) => (v, at) => Array.isArray(v) && (v.forEach((e, i) => check(of, e, `${at}[${i}]`)), true);
const object = (of) => (v, at) => (check(of, v, at), true);

// check throws if value has not the shape, an object of a test for each name or a test.
export function check(shape, value, at) {
  if (typeof shape === 'function') {
    let fits = false;
    try {
      fits = shape(value, at);
    } catch (why) {
      throw new Error(why.message.startsWith(at) ? why.message : `${at}: ${why.message}`);
    }
    if (!fits) throw new Error(`${at} is ${JSON.stringify(value)}`);
    return value;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Error(`${at} is ${JSON.stringify(value)}`);
  }
  for (const [key, test] of Object.entries(shape)) {
    const field = key.replace('?', '');
    if (field in value) check(test, value[field], `${at}.${field}`);
    else if (field === key) throw new Error(`${at}.${field} is missing`);
  }
  for (const key of Object.keys(value)) {
    if (!(key in shape) && !(`${key}?` in shape)) throw new Error(`${at}.${key} is not documented`);
  }
  return value;
}

const tradeStatus = oneOf('Pending', 'Processing', 'Successful', 'Failed');
const matrix = ['Expired', 'Underpayment(Overdue)', 'Paid(Overdue)', 'Overpayment(Overdue)'];

export const hosted = { payment_url: (v) => string(v) && ['http:', 'https:'].includes(new URL(v).protocol) };

export const bill = {
  order_id: name, amount, crypto: name, network: name, token_id: name, pay_address: name, memo: string, logo: string,
  order_valid_period: integer,
};

const trade = {
  amount, chain: name, contract: string, crypto: name, service_fee: amount, network_fee: amount,
  'network_coin_id?': string, 'network_fee_crypto?': string, 'network_fee_value?': maybe,
  txid: string, pay_time: integer, token_rate: maybe, status: tradeStatus,
};

export const deposits = list({
  order_detail: object({
    order_id: name, merchant_order_id: name, product_price: amount, denominated_currency: name, product_name: string,
    chain: string, contract: string, crypto: string, order_amount: maybe, token_rate: maybe,
    status: oneOf('Pending', 'Successful', ...matrix), created: integer,
    // ours: the status of the vendor's pages in full
    'order_status?': oneOf('Awaiting payment', 'Underpayment', 'Paid', 'Overpayment', ...matrix),
  }),
  trade_list: list(trade),
  refund_list: list({
    refund_amount: amount, network_fee: amount, actual_received_amount: amount, chain: name, contract: string, crypto: name,
    txid: string, address: name, pay_time: integer, status: tradeStatus,
  }),
});

export const withdrawals = list({
  order_detail: object({
    order_id: name, merchant_order_id: name, chain: name, contract: string, crypto: name, order_amount: amount,
    token_rate: maybe, status: tradeStatus, created: integer,
  }),
  trade_list: list(trade),
  'refund_list?': list({}),
});

export const address = { address: name, memo: string };

export const withdrawn = {
  order_id: name, record_id: name, network_fee: amount, net_receivable: amount, network_coin_id: string,
  network_fee_crypto: string, network_fee_value: maybe,
};

const onChain = {
  token_id: name, crypto: name, name, logo: string, network: name, chain: name, contract: string, chain_logo: string,
  network_coin_id: string, network_fee_crypto: string,
};

export const coins = {
  list: list({
    symbol: name, crypto: name, name, logo: string, min: amount, price: maybe, precision: integer, coin_id: name,
    status: oneOf(1, 2, 3),
    tokens: list({ ...onChain, is_support_memo: boolean, status: oneOf(1, 2, 3), precision: integer }),
  }),
};

export const supported = { list: list({ token_id: name, crypto: name, name, logo: string, min: amount, price: maybe }) };
export const chains = { list: list(onChain) };
export const rate = { price: amount, value: amount };
export const assets = { list: list({ coin_id: name, crypto: name, name, value: amount, price: maybe, logo: string }) };
export const fee = { token_id: name, crypto: name, fee: amount };
export const heights = list({
  chain: name, current_chain_height: integer, tx_confirm_block_num: integer, block_rate: integer,
});
export const user = { c_id: name, nickname: string };

const payStatus = oneOf('pending', 'processing', 'success', 'failed');

// The bodies of webhooks by their order_type.
export const webhooks = {
  'API Deposit': {
    pay_status: payStatus, order_type: name, record_id: name, order_id: name, product_price: amount,
    denominated_currency: name, order_amount: maybe, fiat_rate: maybe, paid_amount: maybe, credit_amount: maybe,
    token_rate: maybe, chain: string, contract: string, crypto: string, txid: string, network_fee: maybe,
    service_fee: maybe, memo: string, extend: object({ merchant_order_id: name }), 'custom_value?': name,
  },
  'Direct Deposit': {
    pay_status: payStatus, order_type: name, record_id: name, paid_amount: amount, credit_amount: amount, chain: name,
    'from_address?': string, to_address: name, contract: string, crypto: name, txid: name, service_fee: amount,
    memo: string, user_id: name,
  },
  'API Withdrawal': {
    pay_status: payStatus, order_type: name, order_id: name, record_id: name, withdraw_amount: amount,
    net_receivable: amount, network_fee: amount, network_fee_crypto: string, network_coin_id: string,
    network_fee_value: maybe, chain: name, contract: string, crypto: name, to_address: name, memo: string, txid: string,
    merchant_order_id: name, merchant_pays_fee: boolean,
  },
  Refund: {
    pay_status: payStatus, order_type: name, record_id: name, amount, net_receivable: amount, network_fee: amount,
    network_crypto: string, network_coin_id: string, chain: name, contract: string, crypto: name, to_address: name,
    memo: string, txid: string, merchant_order_id: name,
  },
};
