<?php
// Vectors A to C of docs/protocols/payprotocol.md. Their signatures were made apart from any code of this tree.
declare(strict_types=1);
require __DIR__ . '/payprotocol.php';
require __DIR__ . '/units.php';
require __DIR__ . '/world.php';

const KEY = 'F1R28pRQ';
const SECRET = '0123456789abcdef0123456789abcdef';
const CALLBACK = '{"chainId":1,"orgId":2313,"outTradeNo":"202312131805041280413","outPaymentNo":"202312181035353064079","description":"A sample order","isLegalTender":1,"quoteCurrencySymbol":"USD","quoteAmount":"10.5","paymentStatus":0,"paymentType":1,"expectedAmount":"10500000","settlementAmount":"10500000","settlementCurrencySymbol":"USDT","transferHash":"d46fb13dccbda8b5ac9f4f46458d1de4f6051cc2e3da85093b168e6871595d94","userWalletAddress":"TBqJ84AKTezZnzRN5nJs1k3yD2LUbQa23K","fromAddress":"TMEidyRe6LajwP5NNaHmBcCaeJXTq13a9h","createTime":"2023-12-18 10:35:35","blockTime":1702866999}';
const CALLED = 'Df7e9HqhWNR+0h08D8KNQpHuReOV2tjf8PUGbv4Hhqw=';

function same(mixed $want, mixed $got, string $what): void
{
    $want === $got || throw new Exception("$what: " . json_encode($got) . ', not ' . json_encode($want));
}

run(function () {
    same('HxWcQZAmwewOqcxdICrRYJ/WedcQsUbjReyB6DlDYmA=', sign(SECRET, '1684304935', 'GET', '/api/mer/conf/list/currency?chainId=101', ''), 'A');
    $order = '{"chainId":1,"description":"A sample order","outTradeNo":"202312131805041280413","isLegalTender":1,"quoteCurrencySymbol":"USD","quoteAmount":"10.5","notifyUrl":"https://shop.example.com/api/notify?src=pay","redirectionUrl":"https://shop.example.com/result?order=202312131805041280413"}';
    same(285, strlen($order), 'B has');
    same('72NsV1+UN5pOI7d7PY1GjuafpgUcf4TKujFi7oga1yM=', sign(SECRET, '1723971200', 'POST', '/api/mer/payment/createPaymentOrder', $order), 'B');

    same(574, strlen(CALLBACK), 'C has');
    $headers = ['x-pay-key' => KEY, 'x-pay-timestamp' => '1702867005', 'x-pay-sign' => CALLED, 'content-type' => 'application/json'];
    $read = fn (array $other = [], string $method = 'POST', string $target = '/api/notify?src=pay', string $body = CALLBACK, int $now = 1702867005)
        => why(KEY, SECRET, $other + $headers, $method, $target, $body, $now);
    same('', $read(), 'C');
    same('', $read(now: 1702867065), 'C a minute later');
    foreach ([
        'a minute and a second later' => $read(now: 1702867066),
        'for another key' => $read(['x-pay-key' => 'F1R28pRR']),
        'another time' => $read(['x-pay-timestamp' => '1702867006']),
        'another signature' => $read(['x-pay-sign' => strtr(CALLED, 'q', 'r')]),
        'a signature in hexadecimal' => $read(['x-pay-sign' => bin2hex(base64_decode(CALLED))]),
        'no signature' => $read(['x-pay-sign' => '']),
        'another path' => $read(target: '/payment/callback'),
        'the path without its query' => $read(target: '/api/notify'),
        'another method' => $read(method: 'PUT'),
        'another body' => $read(body: str_replace('"paymentStatus":0', '"paymentStatus":1', CALLBACK)),
        'no JSON' => $read(['content-type' => 'text/plain']),
    ] as $what => $why) {
        $why !== '' || throw new Exception("C with $what is taken");
    }

    same('3000000000000000000', part('5000000000000000001', 6, 10), '60 %');
    same('2000000000000000001', minus('5000000000000000001', '3000000000000000000'), 'the rest');
    same('999', minus('1000', '1'), 'what is borrowed');
    same('0', minus('7', '7'), 'nothing');
    same('5.000000000000000001', actual('5000000000000000001', 18), 'as the payer reads it');
    same('0.05', actual('50000', 6), 'cents');
    same('5', actual('5', 0), 'without decimals');
    same('50000', raw('0.05', 6), 'and back');
    same('5000000', raw('5', 6), 'whole units');
    return [];
});
