<?php
// A merchant's whole dealings with a Pay Protocol gateway, step by step, relying on what the documents promise and on
// nothing else. The environment says with whom (see Config in client.go); world.php is who pays and who approves.
declare(strict_types=1);
foreach (['payprotocol', 'units', 'shapes', 'world', 'postbox'] as $file) {
    require __DIR__ . "/$file.php";
}

function must(bool $holds, string $what, mixed $facts = null): void
{
    $holds || throw new Exception($what . ($facts === null ? '' : ': ' . json_encode($facts)));
}

// refused sees that something is refused with the code and HTTP status.
function refused(string $what, int $code, callable $attempt, int $status = 200): Refusal
{
    try {
        $attempt();
    } catch (Refusal $why) {
        must($why->getCode() === $code && $why->status === $status, "$what: {$why->getMessage()}, not $code under HTTP $status");
        return $why;
    }
    throw new Exception("$what is not refused");
}

class Journey
{
    private PayProtocol $shop;
    private Postbox $postbox;
    private int $chainId;
    private object $currency; // what everything is paid in

    public function __construct(private array $c)
    {
        $this->shop = new PayProtocol($c['URL'], $c['KEY'], $c['SECRET']);
    }

    public function run(): array
    {
        $this->postbox = new Postbox((int) $this->c['PORT'], (int) $this->c['PATIENCE']);
        $this->strangers();
        $this->lists();
        $order = $this->order('order:1');
        $this->page($order);
        $order = $this->pick($order);
        $paid = $this->sell($order);
        $this->notify($order);
        $user = $this->recharge();
        $abnormal = $this->payTooMuch();
        $this->tags();
        $refund = $this->refund($order, $paid);
        $withdrawal = $this->withdraw();
        ask('rest', []); // nobody hangs up on who is speaking
        must($this->postbox->rest() === [], 'told beyond what is documented', array_column($this->postbox->rest(), 'text'));
        return [
            'outPaymentNo' => $order->outPaymentNo, 'payAddress' => $order->userWalletAddress, 'saltHash' => $order->saltHash,
            'expectedAmount' => $order->expectedAmount, 'userId' => $user, 'abnormalId' => $abnormal, 'refundId' => $refund, 'withdrawId' => $withdrawal,
        ];
    }

    private function read(string $path, array $shape): mixed
    {
        return $this->checked($path, $shape, $this->shop->get($path));
    }

    private function write(string $path, array $data, array $shape): mixed
    {
        return $this->checked($path, $shape, $this->shop->post($path, $data));
    }

    private function checked(string $path, array $shape, mixed $data): mixed
    {
        check($shape, $data, explode('?', $path)[0]);
        return $data;
    }

    // number is a merchant order number. Colons go into queries as they are.
    private function number(string $name): string
    {
        return $this->c['REFERENCE'] . ':' . $name;
    }

    // url is where the shop hears of something: told apart by the query, as a plugin of WordPress does.
    private function url(string $what): string
    {
        return $this->c['CALLBACK'] . $this->target($what);
    }

    private function target(string $what): string
    {
        return "/?wc-api=payprotocol&about=$what";
    }

    private function strangers(): void
    {
        $list = '/conf/list/chain';
        refused('a wrong secret', 401, fn () => $this->shop->call('GET', $list, '', secret: $this->c['SECRET'] . '0'), 401);
        refused('an old request', 401, fn () => $this->shop->call('GET', $list, '', time: time() - 65), 401);
        refused('a request of later', 401, fn () => $this->shop->call('GET', $list, '', time: time() + 65), 401);
        $stranger = new PayProtocol($this->c['URL'], 'F1R28pRQ0', $this->c['SECRET']);
        refused('a key that nobody has', 401, fn () => $stranger->get($list), 401);
        refused('a path that is none', 404, fn () => $this->shop->get('/payment/nothing'), 404);
        $unknown = refused('an order that is none', 404, fn () => $this->shop->get('/payment/detail?outTradeNo=' . $this->number('unknown')));
        must(is_object($unknown->answer->data ?? (object) []), 'data of a refusal', $unknown->answer);
        step('refusals');
    }

    private function lists(): void
    {
        $chains = $this->read('/conf/list/chain', [CHAIN]);
        $found = array_values(array_filter($chains, fn ($chain) => $chain->chainName === $this->c['CHAIN']));
        must(count($found) === 1, "chains named {$this->c['CHAIN']}", $chains);
        $this->chainId = $found[0]->chainId;
        step('conf/list/chain', ['chainId' => $this->chainId]);

        $currencies = $this->read("/conf/list/currency?chainId=$this->chainId", [CURRENCY]);
        foreach ($currencies as $currency) {
            must($currency->chainId === $this->chainId, 'a currency of another chain', $currency);
            must($currency->icon === '' || str_starts_with($currency->icon, 'data:image/'), 'an icon that is none', $currency);
        }
        $found = array_values(array_filter($currencies, fn ($currency) => $currency->symbol === $this->c['SYMBOL']));
        must(count($found) === 1, "currencies called {$this->c['SYMBOL']}", $currencies);
        $this->currency = $found[0];
        must(count($this->read('/conf/list/currency', [CURRENCY])) >= count($currencies), 'of all chains there are fewer currencies');
        step('conf/list/currency', ['currencyId' => $this->currency->currencyId]);
    }

    // request is a shop's order; the chain comes from a select box, as a string.
    private function request(string $name): array
    {
        return [
            'chainId' => (string) $this->chainId, 'description' => 'Tea & "Bücher"', 'outTradeNo' => $this->number($name), 'isLegalTender' => 1,
            'quoteCurrencySymbol' => 'USD', 'quoteAmount' => $this->c['PRICE'], 'notifyUrl' => $this->url('payment'),
            'redirectionUrl' => 'https://shop.example/thanks?order=1',
        ];
    }

    // order makes one, twice by mistake.
    private function order(string $name): object
    {
        $request = $this->request($name);
        $create = '/payment/createPaymentOrder';
        $order = $this->write($create, $request, CREATED);
        $again = $this->write($create, ['chainId' => $this->chainId] + $request, CREATED);
        must($again == $order, 'the same order is made twice', [$order, $again]);
        refused('another order of the same number', 409, fn () => $this->shop->post($create, ['quoteAmount' => '7.77'] + $request));
        foreach ([
            'outTradeNo' => '', 'isLegalTender' => 2, 'quoteCurrencySymbol' => 'usd', 'quoteAmount' => 5, 'notifyUrl' => 'shop.example/notify',
            'description' => str_repeat('x', 257), 'redirectionUrl' => 'javascript:alert(1)',
        ] as $field => $value) {
            $new = ['outTradeNo' => $this->number("no-$field")];
            $why = refused("a bad $field", 400, fn () => $this->shop->post($create, [$field => $value] + $new + $request));
            must(str_contains($why->answer->description ?? '', $field), "the description does not name $field", $why->answer);
        }
        $order->outTradeNo = $request['outTradeNo'];
        step('payment/createPaymentOrder', ['outPaymentNo' => $order->outPaymentNo]);
        return $order;
    }

    // page opens the payment page, whose token is all of its query.
    private function page(object $order): void
    {
        must((bool) preg_match('#^/payment\?apiSign=([A-Za-z0-9%]+)$#D', $order->paymentUrl, $found), 'paymentUrl', $order->paymentUrl);
        $token = base64_decode(rawurldecode($found[1]), true);
        must($token !== false && strlen($token) === 32, 'apiSign is not 32 bytes', $order->paymentUrl);
        [$status, $type, $text] = fetch('GET', $this->c['PAGE'] . $order->paymentUrl, [], '');
        must($status === 200 && str_starts_with($type, 'text/html'), "the payment page is HTTP $status, $type");
        foreach ([$order->outTradeNo, 'wc-api'] as $secret) {
            must(!str_contains($text, $secret), "the page shows $secret");
        }
        step('payment page', ['paymentUrl' => $order->paymentUrl]);

        $info = $this->info($order);
        must($info->countDown > 0 && $info->countDown <= 86400, 'countDown', $info);
        must([$info->userWalletAddress, $info->saltHash] === [$order->userWalletAddress, $order->saltHash], 'payInfo has another address', $info);
        $detail = $this->detail($order->outTradeNo);
        must($detail->paymentStatus === 1 && !isset($detail->paymentType), 'a new order', $detail);
        must($detail->settlementAmount . $detail->transferHash . $detail->fromAddress === '' && $detail->blockTime === 0, 'a new order', $detail);
        must($detail->quoteAmount === $this->c['PRICE'] && $detail->quoteCurrencySymbol === 'USD', 'a new order', $detail);
        step('payment/payInfo', ['countDown' => $info->countDown]);
    }

    private function info(object $order): object
    {
        return $this->read("/payment/payInfo?outTradeNo=$order->outTradeNo", PAY_INFO);
    }

    private function detail(string $number): object
    {
        return $this->read("/payment/detail?outTradeNo=$number", payment());
    }

    // pick has the order paid in the journey's currency. The countdown goes on.
    private function pick(object $order): object
    {
        $before = $this->info($order)->countDown;
        $pick = ['chainId' => $this->chainId, 'currencyId' => $this->currency->currencyId, 'outTradeNo' => $order->outTradeNo];
        $picked = $this->write('/payment/payInfo/update', $pick, UPDATED);
        $after = $this->info($order);
        must($after->countDown <= $before, 'the countdown began anew', [$before, $after->countDown]);
        must([$after->userWalletAddress, $after->saltHash] === [$picked->userWalletAddress, $picked->saltHash], 'payInfo has another address', $after);
        must($this->detail($order->outTradeNo)->expectedAmount === $picked->expectedAmount, 'another amount is expected', $picked);
        step('payment/payInfo/update', ['expectedAmount' => $picked->expectedAmount]);
        return (object) ((array) $picked + (array) $order);
    }

    // pay has the world send a raw amount. The number is for who plays the network.
    private function pay(string $address, string $raw, string $number = ''): string
    {
        $paid = ask('pay', [
            'outPaymentNo' => $number, 'address' => $address, 'chain' => $this->c['CHAIN'], 'symbol' => $this->currency->symbol, 'contract' => $this->currency->address,
            'raw' => $raw, 'amount' => actual($raw, $this->currency->decimals),
        ]);
        return $paid->txid ?? '';
    }

    // sell has the order paid in two parts, each in range, and returns the callback of the whole.
    private function sell(object $order): object
    {
        $first = part($order->expectedAmount, 6, 10);
        foreach ([3 => $first, 0 => $order->expectedAmount] as $status => $settled) {
            $txid = $this->pay($order->userWalletAddress, $status === 3 ? $first : minus($order->expectedAmount, $first), $order->outPaymentNo);
            $told = $this->postbox->wait("the payment's status $status", fn ($body) => ($body->outTradeNo ?? '') === $order->outTradeNo);
            must($told->target === $this->target('payment'), 'told at another address', $told->target);
            $body = $told->body;
            must($body->paymentStatus === $status && $body->settlementAmount === $settled, "after $settled of $order->expectedAmount", $body);
            must($body->expectedAmount === $order->expectedAmount && $body->outPaymentNo === $order->outPaymentNo, 'another order is told', $body);
            must($body->settlementCurrencySymbol === $this->currency->symbol && $body->paymentType === 1, 'another currency is told', $body);
            must($body->transferHash !== '' && ($txid === '' || $txid === $body->transferHash), 'another transaction is told', $body);
            must($body->blockTime > 0 && $body->userWalletAddress === $order->userWalletAddress, 'another transfer is told', $body);
            $detail = $this->detail($order->outTradeNo);
            must($detail == $body, 'detail and callback differ', [$detail, $body]);
            step($status === 0 ? 'callback: paid' : 'callback: partially paid', ['transferHash' => $body->transferHash]);
        }
        // The number as another client encodes it, and the payment number beside it.
        $number = str_replace(':', '%3a', $order->outTradeNo);
        $same = $this->read("/payment/detail?outTradeNo=$number&outPaymentNo=$order->outPaymentNo", payment());
        must($same == $body, 'detail by both numbers differs', $same);
        refused('a parameter twice', 400, fn () => $this->detail("$order->outTradeNo&outTradeNo=$order->outTradeNo"));
        refused('the end of the choice', 409, fn () => $this->shop->post('/payment/payInfo/update', [
            'chainId' => $this->chainId, 'currencyId' => $this->currency->currencyId, 'outTradeNo' => $order->outTradeNo,
        ]));
        step('payment/detail');

        foreach (["chainId=$this->chainId&page=1&size=50&paymentStatus=0", "transferHash=$body->transferHash"] as $query) {
            $list = $this->read("/payment/list?$query", page(payment()));
            $found = array_values(array_filter($list->list, fn ($listed) => $listed->outTradeNo === $order->outTradeNo));
            must(count($found) === 1 && $found[0] == $body && $list->page === 1 && $list->count >= 1, "payment/list?$query", $list);
        }
        must($this->read('/payment/list', page(payment()))->size === 10, 'a page has not 10 by default');
        refused('a page of 501', 400, fn () => $this->shop->get('/payment/list?size=501'));
        step('payment/list');
        return $body;
    }

    // notify has the callback told again.
    private function notify(object $order): void
    {
        $before = $this->detail($order->outTradeNo);
        must($this->shop->get("/payment/notify?outTradeNo=$order->outTradeNo") === null, 'notify has data');
        $told = $this->postbox->wait('the callback again', fn ($body) => ($body->outTradeNo ?? '') === $order->outTradeNo);
        must($told->body == $before, 'told again is something else', $told->body);
        refused('a second time in ten seconds', 429, fn () => $this->shop->get("/payment/notify?outTradeNo=$order->outTradeNo"));
        step('payment/notify');
    }

    // recharge makes a user, whose address is paid for good, and returns his id.
    private function recharge(): int
    {
        $uuid = $this->c['REFERENCE'] . '-user';
        $id = $this->shop->post('/user/create', ['uuid' => $uuid]);
        check('int32', $id, 'user/create');
        foreach (["userId=$id", "UUID=$uuid", "uuid=$uuid&chainId=$this->chainId"] as $query) {
            $user = $this->read("/user/detail?$query", USER);
            must($user->userId === $id && $user->uuid === $uuid && $user->userType === 0, "user/detail?$query", $user);
        }
        must(count($user->userWallet) === 1 && $user->userWallet[0]->chainId === $this->chainId, 'of one chain there is one wallet', $user);
        $wallet = $user->userWallet[0];
        $list = $this->read("/user/list?userId=$id", page(USER));
        must($list->count === 1 && count($list->list) === 1 && $list->list[0]->userId === $id, 'user/list', $list);
        step('user/create', ['userId' => $id, 'walletAddress' => $wallet->walletAddress]);

        $raw = raw('3', $this->currency->decimals);
        $txid = $this->pay($wallet->walletAddress, $raw);
        $told = $this->postbox->wait('the recharge', fn ($body) => isset($body->rechargeId));
        $body = $told->body;
        must($told->target === '/app', 'told at another address', $told->target);
        must($body->rechargeStatus === 0 && $body->rechargeAmount === $raw && $body->userId === $id && $body->uuid === $uuid, 'recharge', $body);
        must($body->walletId === $wallet->walletId && $body->walletAddress === $wallet->walletAddress, 'recharge of another wallet', $body);
        must($body->currencyId === $this->currency->currencyId && ($txid === '' || $txid === $body->transferHash), 'another transfer is told', $body);
        step('callback: recharge', ['rechargeId' => $body->rechargeId]);
        $list = $this->read('/recharge/list', page(RECHARGE));
        must(in_array($body->rechargeId, array_column($list->list, 'rechargeId'), true), 'recharge/list has it not', $list);
        step('recharge/list');
        return $id;
    }

    // payTooMuch pays twice what an order expects, which is for people to decide.
    private function payTooMuch(): int
    {
        $order = $this->write('/payment/createPaymentOrder', $this->request('order:2'), CREATED);
        $order->outTradeNo = $this->number('order:2');
        $order = $this->pick($order);
        $raw = part($order->expectedAmount, 2, 1);
        $this->pay($order->userWalletAddress, $raw, $order->outPaymentNo);
        $told = $this->postbox->wait('the abnormal payment', fn ($body) => isset($body->abnormalId));
        $body = $told->body;
        must($told->target === '/app', 'told at another address', $told->target);
        must($body->amount === $raw && $body->outTradeNo === $order->outTradeNo && $body->abnormalType === 'OVER_RANGE', 'abnormal payment', $body);
        must($body->userWalletAddress === $order->userWalletAddress && $body->currencyId === $this->currency->currencyId, 'abnormal payment', $body);
        must(!in_array($this->detail($order->outTradeNo)->paymentStatus, [0, 3], true), 'what is out of range has paid the order');
        step('callback: abnormal payment', ['abnormalId' => $body->abnormalId]);

        $list = $this->read('/abnormalOrder/list?page=1&size=50', page(ABNORMAL));
        must(in_array($body->abnormalId, array_column($list->list, 'abnormalId'), true), 'abnormalOrder/list has it not', $list);
        must($this->read("/abnormalOrder/detail?abnormalId=$body->abnormalId", ABNORMAL)->transferHash === $body->transferHash, 'abnormalOrder/detail is of another');
        $this->shop->get("/abnormalOrder/notify?abnormalId=$body->abnormalId");
        $this->postbox->wait('the abnormal payment again', fn ($again) => ($again->abnormalId ?? 0) === $body->abnormalId);
        step('abnormalOrder');
        if ($this->c['REPAIR'] === 'yes') {
            $this->repair($order, $body);
        }
        return $body->abnormalId;
    }

    // repair has a person at the gateway's console settle the order with the payment: what is due becomes what came.
    private function repair(object $order, object $abnormal): void
    {
        ask('repair', ['id' => $abnormal->abnormalId, 'outPaymentNo' => $order->outPaymentNo, 'transferHash' => $abnormal->transferHash]);
        $told = $this->postbox->wait('the repaired order', fn ($body) => isset($body->paymentStatus) && $body->outTradeNo === $order->outTradeNo);
        $body = $told->body;
        must($told->target === $this->target('payment'), 'told at another address', $told->target);
        must($body->paymentStatus === 0 && $body->transferHash === $abnormal->transferHash, 'a repaired order', $body);
        must([$body->expectedAmount, $body->settlementAmount] === [$abnormal->amount, $abnormal->amount], 'a repaired order', $body);
        must($this->detail($order->outTradeNo) == $body, 'detail and callback differ', $body);
        $settled = fn ($again) => ($again->abnormalId ?? 0) === $abnormal->abnormalId && $again->handleStatus !== $abnormal->handleStatus;
        $told = $this->postbox->wait('the end of the abnormal payment', $settled);
        must($told->target === '/app' && $told->body->transferHash === $abnormal->transferHash, 'abnormal payment', $told->body);
        step('callback: repaired', ['quoteAmount' => $body->quoteAmount]);
    }

    private function tags(): void
    {
        $tag = $this->c['REFERENCE'] . '-tag';
        $tagged = ['tagName' => $tag] + $this->request('order:3');
        refused('a tag that is none', 400, fn () => $this->shop->post('/payment/createPaymentOrder', $tagged));
        $this->shop->post('/user/tag', ['tagName' => $tag]);
        $this->write('/payment/createPaymentOrder', $tagged, CREATED);
        step('user/tag');
    }

    // refund sends back all of the first order.
    private function refund(object $order, object $paid): int
    {
        $request = ['outTradeNo' => $order->outTradeNo, 'transferAddress' => $this->c['PAYEE'], 'notifyUrl' => $this->url('refund')];
        refused('a refund to nobody knows whom', 400, fn () => $this->shop->post('/refund/createRefundOrder', array_diff_key($request, ['transferAddress' => 0])));
        $id = $this->write('/refund/createRefundOrder', $request, ['refundId' => 'int32'])->refundId;
        ask('approve', ['kind' => 'refund', 'id' => $id, 'outTradeNo' => $order->outTradeNo]);
        $told = $this->postbox->wait('the refund', fn ($body) => isset($body->refundId));
        $body = $told->body;
        must($told->target === $this->target('refund'), 'told at another address', $told->target);
        must($body->refundId === $id && $body->refundStatus === 0 && $body->transferHash !== '', 'refund', $body);
        must($body->amount === $paid->settlementAmount && $body->transferAddress === $this->c['PAYEE'], 'refund', $body);
        must([$body->outTradeNo, $body->outPaymentNo] === [$order->outTradeNo, $order->outPaymentNo], 'refund of another order', $body);
        must($this->detail($order->outTradeNo)->paymentStatus === 5, 'the order is not refunded');
        step('callback: refund', ['refundId' => $id, 'transferHash' => $body->transferHash]);
        foreach (["refundId=$id", "outTradeNo=$order->outTradeNo"] as $query) {
            must($this->read("/refund/detail?$query", REFUND)->refundId === $id, "refund/detail?$query is of another");
        }
        $list = $this->read('/refund/list', page(REFUND));
        must(in_array($id, array_column($list->list, 'refundId'), true), 'refund/list has it not', $list);
        $this->shop->get("/refund/notify?refundId=$id");
        $this->postbox->wait('the refund again', fn ($again) => ($again->refundId ?? 0) === $id);
        step('refund');
        return $id;
    }

    private function withdraw(): int
    {
        $number = $this->number('withdrawal');
        $id = $this->write('/withdraw/apply', [
            'chainId' => $this->chainId, 'currencyId' => $this->currency->currencyId, 'withdrawAddress' => $this->c['PAYEE'],
            'withdrawAmount' => $this->c['PAYOUT'], 'outTradeNo' => $number, 'notifyUrl' => $this->url('withdrawal'),
        ], ['withdrawId' => 'int32'])->withdrawId;
        ask('approve', ['kind' => 'withdrawal', 'id' => $id, 'outTradeNo' => $number]);
        $told = $this->postbox->wait('the withdrawal', fn ($body) => isset($body->withdrawId));
        $body = $told->body;
        must($told->target === $this->target('withdrawal'), 'told at another address', $told->target);
        must($body->withdrawId === $id && $body->withdrawStatus === 0 && $body->transferHash !== '' && $body->outTradeNo === $number, 'withdrawal', $body);
        must($body->withdrawAmount === raw($this->c['PAYOUT'], $this->currency->decimals) && $body->withdrawAddress === $this->c['PAYEE'], 'withdrawal', $body);
        step('callback: withdrawal', ['withdrawId' => $id, 'transferHash' => $body->transferHash]);
        return $id;
    }
}

run(fn () => (new Journey(getenv()))->run());
