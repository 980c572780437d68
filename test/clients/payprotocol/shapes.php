<?php
// The fields of the documents. A name with "?" may be absent; any other name is an error, and so is another type.
declare(strict_types=1);

// check throws if the value has not the shape: a test for each name of an object, [shape] for a list, or a test.
function check(mixed $shape, mixed $value, string $at): void
{
    if (is_string($shape) || $shape instanceof Closure) {
        if (!$shape($value)) {
            throw new Exception("$at is " . json_encode($value));
        }
    } elseif (array_is_list($shape)) {
        is_array($value) || throw new Exception("$at is no list");
        foreach ($value as $i => $element) {
            check($shape[0], $element, "{$at}[$i]");
        }
    } else {
        is_object($value) || throw new Exception("$at is " . json_encode($value));
        foreach ($shape as $name => $test) {
            $field = rtrim($name, '?');
            if (property_exists($value, $field)) {
                check($test, $value->$field, "$at.$field");
            } elseif ($field === $name) {
                throw new Exception("$at.$field is missing");
            }
        }
        foreach (get_object_vars($value) as $name => $_) {
            isset($shape[$name]) || isset($shape["$name?"]) || throw new Exception("$at.$name is not documented");
        }
    }
}

function int32(mixed $v): bool
{
    return is_int($v) && abs($v) < 2 ** 31;
}

function name(mixed $v): bool
{
    return is_string($v) && $v !== '';
}

function rawAmount(mixed $v): bool
{
    return is_string($v) && preg_match('/^(0|[1-9][0-9]*)$/D', $v);
}

function rawOrNone(mixed $v): bool
{
    return $v === '' || rawAmount($v);
}

function actualAmount(mixed $v): bool
{
    return is_string($v) && preg_match('/^(0|[1-9][0-9]*)(\.[0-9]{1,18})?$/D', $v);
}

function salt(mixed $v): bool
{
    return is_string($v) && preg_match('/^0x[0-9a-f]{64}$/D', $v);
}

function instant(mixed $v): bool
{
    return is_string($v) && preg_match('/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/D', $v);
}

// moment is a time that the documents do not say the form of.
function moment(mixed $v): bool
{
    return is_int($v) || instant($v);
}

function oneOf(mixed ...$words): Closure
{
    return fn ($v) => in_array($v, $words, true);
}

function page(array $of): array
{
    return ['count' => 'is_int', 'page' => 'is_int', 'size' => 'is_int', 'list' => [$of]];
}

const CHAIN = ['chainId' => 'int32', 'chainName' => 'name', 'chainType?' => 'name', 'nativeChainId?' => 'is_int', 'explorerUrl?' => 'is_string'];
const CURRENCY = [
    'currencyId' => 'int32', 'chainId' => 'int32', 'name' => 'name', 'symbol' => 'name', 'address' => 'name', 'decimals' => 'int32',
    'createTime' => 'instant', 'icon' => 'is_string', 'exchangeRate?' => 'actualAmount',
];
const CREATED = ['outPaymentNo' => 'name', 'paymentUrl' => 'name', 'userWalletAddress' => 'name', 'saltHash' => 'salt'];
const PAY_INFO = ['countDown' => 'is_int', 'orgName' => 'is_string', 'userWalletAddress' => 'name', 'saltHash' => 'salt'];
const UPDATED = ['expectedAmount' => 'rawAmount', 'userWalletAddress' => 'name', 'saltHash' => 'salt'];
const USER = [
    'userId' => 'int32', 'uuid' => 'name', 'createTime' => 'instant', 'userType' => 'int32',
    'userWallet' => [['chainId' => 'int32', 'walletId' => 'int32', 'walletAddress' => 'name']],
];

// payment is a payment order. Its status has to be there: 0 is paid.
function payment(): array
{
    return [
        'chainId' => 'int32', 'orgId' => 'int32', 'outTradeNo' => 'name', 'outPaymentNo' => 'name', 'description' => 'is_string',
        'isLegalTender' => oneOf(0, 1), 'quoteCurrencySymbol' => 'name', 'quoteAmount' => 'actualAmount',
        'paymentStatus' => oneOf(0, 1, 2, 3, 4, 5), 'paymentType?' => oneOf(0, 1), 'expectedAmount' => 'rawOrNone',
        'settlementAmount' => 'rawOrNone', 'settlementCurrencySymbol' => 'is_string', 'transferHash' => 'is_string',
        'userWalletAddress' => 'is_string', 'fromAddress' => 'is_string', 'createTime' => 'instant', 'blockTime' => 'is_int',
    ];
}

const REFUND = [
    'chainId' => 'int32', 'currencyId' => 'int32', 'refundId' => 'int32', 'outTradeNo' => 'name', 'outPaymentNo' => 'name',
    'transferAddress' => 'name', 'amount' => 'rawAmount', 'commissionFee' => 'rawAmount', 'refundStatus' => 'int32', 'refundTime' => 'moment',
    'transferHash' => 'is_string',
];
const WITHDRAWAL = [
    'chainId' => 'int32', 'currencyId' => 'int32', 'withdrawId' => 'int32', 'outTradeNo' => 'is_string', 'withdrawAmount' => 'rawAmount',
    'withdrawAddress' => 'name', 'withdrawStatus' => 'int32', 'createTime' => 'moment', 'transferHash' => 'is_string',
];
const RECHARGE = [
    'chainId' => 'int32', 'rechargeId' => 'int32', 'userId' => 'int32', 'uuid' => 'name', 'currencyId' => 'int32', 'rechargeAmount' => 'rawAmount',
    'rechargeStatus' => 'int32', 'transferHash' => 'name', 'walletId' => 'int32', 'walletAddress' => 'name', 'fromAddress' => 'is_string',
    'createTime' => 'moment', 'blockTime' => 'moment',
];
const ABNORMAL = [
    'abnormalId' => 'int32', 'chainId' => 'int32', 'currencyId' => 'int32', 'outTradeNo' => 'is_string', 'outPaymentNo' => 'is_string',
    'transferHash' => 'name', 'fromAddress' => 'is_string', 'userWalletAddress' => 'name', 'amount' => 'rawAmount', 'abnormalType' => 'name',
    'handleStatus' => 'is_scalar', 'handleMethod?' => 'is_scalar', 'createTime' => 'moment',
];

// shapeOf tells callbacks by their first name of their own: they carry no type.
function shapeOf(object $body): array
{
    return match (true) {
        isset($body->refundId) => REFUND,
        isset($body->withdrawId) => WITHDRAWAL,
        isset($body->rechargeId) => RECHARGE,
        isset($body->abnormalId) => ABNORMAL,
        default => payment(),
    };
}
