<?php
// A client for the Pay Protocol API in the manner of the vendor's WooCommerce plugin: queries are put together from
// strings and signed as they stand, bodies are json_encode's with its escaped slashes, chain ids come from a select box.
declare(strict_types=1);

// sign is HMAC-SHA256 in Base64 over time, method, path with query, and body, under the secret's text.
function sign(string $secret, string $timestamp, string $method, string $target, string $body): string
{
    return base64_encode(hash_hmac('sha256', $timestamp . $method . $target . $body, $secret, true));
}

// why says what is wrong with a callback, or ''. The target is what stands in the request line.
function why(string $key, string $secret, array $headers, string $method, string $target, string $body, int $now): string
{
    $timestamp = $headers['x-pay-timestamp'] ?? '';
    if ($method !== 'POST') {
        return "it is a $method";
    }
    if (!preg_match('#^application/json\b#i', $headers['content-type'] ?? '')) {
        return 'its Content-Type is ' . ($headers['content-type'] ?? 'missing');
    }
    if (($headers['x-pay-key'] ?? '') !== $key) {
        return 'it is for another key';
    }
    if (!preg_match('/^[0-9]{10}$/D', $timestamp) || abs($now - (int) $timestamp) > 60) {
        return "it was signed at '$timestamp', now it is $now";
    }
    if (!hash_equals(sign($secret, $timestamp, $method, $target, $body), $headers['x-pay-sign'] ?? '')) {
        return 'it has a wrong signature';
    }
    return is_object(json_decode($body)) ? '' : 'it is no JSON object';
}

// Refusal is an answer whose code is not 200. getCode is that code.
class Refusal extends Exception
{
    public function __construct(string $target, public int $status, public object $answer)
    {
        parent::__construct("$target answers HTTP $status " . json_encode($answer), $answer->code);
    }
}

class PayProtocol
{
    // $origin is the gateway's, without a path.
    public function __construct(private string $origin, private string $key, private string $secret)
    {
    }

    // get asks for /api/mer$path, in which a query stands as it is to be sent, and returns data (null if there is none).
    public function get(string $path): mixed
    {
        return $this->call('GET', $path, '');
    }

    public function post(string $path, array $data): mixed
    {
        return $this->call('POST', $path, json_encode($data, JSON_THROW_ON_ERROR));
    }

    // call can be made to sign in another way, to see that it is refused.
    public function call(string $method, string $path, string $body, ?string $secret = null, ?int $time = null): mixed
    {
        $target = '/api/mer' . $path;
        $timestamp = (string) ($time ?? time());
        $headers = [
            "X-PAY-KEY: $this->key",
            "X-PAY-TIMESTAMP: $timestamp",
            'X-PAY-SIGN: ' . sign($secret ?? $this->secret, $timestamp, $method, $target, $body),
        ];
        if ($body !== '') {
            $headers[] = 'Content-Type: application/json';
        }
        [$status, $type, $text] = fetch($method, $this->origin . $target, $headers, $body);
        $answer = json_decode($text);
        if (!preg_match('#^application/json\b#i', $type) || !is_object($answer)) {
            throw new Exception("$target answers HTTP $status, $type: $text");
        }
        if (!is_int($answer->code ?? null) || !is_string($answer->msg ?? null) || !is_string($answer->description ?? '')) {
            throw new Exception("$target has another envelope: $text");
        }
        if ($status !== 200 || $answer->code !== 200) {
            throw new Refusal($target, $status, $answer);
        }
        if ($answer->msg !== 'success') {
            throw new Exception("$target succeeds with msg $answer->msg");
        }
        return $answer->data ?? null;
    }
}

// fetch returns status, media type and text of an answer.
function fetch(string $method, string $url, array $headers, string $body): array
{
    $http = ['method' => $method, 'header' => $headers, 'content' => $body, 'ignore_errors' => true, 'timeout' => 15, 'follow_location' => 0];
    $text = @file_get_contents($url, false, stream_context_create(['http' => $http]));
    if ($text === false) {
        throw new Exception("$url does not answer: " . (error_get_last()['message'] ?? ''));
    }
    $type = '';
    foreach ($http_response_header as $line) {
        if (preg_match('/^content-type:\s*(.*)$/i', $line, $found)) {
            $type = $found[1];
        }
    }
    return [(int) explode(' ', $http_response_header[0])[1], $type, $text];
}
