<?php
// The shop's callback handler, as PHP's built-in server runs it: whatever the path, a callback is verified over the
// request line it came with. It is kept for the journey in the spool, and acknowledged as wp_send_json does: with quotes.
declare(strict_types=1);
require __DIR__ . '/payprotocol.php';

$headers = array_change_key_case(getallheaders());
$body = file_get_contents('php://input');
$why = why(getenv('KEY'), getenv('SECRET'), $headers, $_SERVER['REQUEST_METHOD'], $_SERVER['REQUEST_URI'], $body, time());

$name = __DIR__ . '/spool/' . str_pad((string) hrtime(true), 20, '0', STR_PAD_LEFT);
file_put_contents("$name.new", json_encode(['target' => $_SERVER['REQUEST_URI'], 'why' => $why, 'text' => $body]));
rename("$name.new", "$name.json"); // whole, or not there

header('Content-Type: application/json; charset=UTF-8');
echo json_encode($why === '' ? 'success' : 'fail');
