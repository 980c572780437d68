// Exact decimals: an amount is a BigInt of 10^-18.

export function units(text) {
  const digits = /^(0|[1-9][0-9]*)(?:\.([0-9]{1,18}))?$/.exec(text);
  if (typeof text !== 'string' || !digits) throw new Error(`${JSON.stringify(text)} is no amount`);
  return BigInt(digits[1] + (digits[2] ?? '').padEnd(18, '0'));
}

export function text(units) {
  const digits = units.toString().padStart(19, '0');
  return `${digits.slice(0, -18)}.${digits.slice(-18)}`.replace(/\.?0+$/, '');
}

export const same = (a, b) => units(a) === units(b);

// half is half of an amount, cut to so many places.
export function half(amount, places) {
  const unit = 10n ** BigInt(18 - places);
  return text((units(amount) / 2n / unit) * unit);
}
