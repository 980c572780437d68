<?php
// Whole numbers as digits: PHP's integers end where a token of 18 decimals begins.
declare(strict_types=1);

// part is raw * $num / $den, rounded down, for a small $num and $den.
function part(string $raw, int $num, int $den): string
{
    $carry = 0;
    $product = '';
    foreach (array_reverse(str_split($raw)) as $digit) {
        $carry += (int) $digit * $num;
        $product = $carry % 10 . $product;
        $carry = intdiv($carry, 10);
    }
    $product = $carry . $product;
    $left = 0;
    $quotient = '';
    foreach (str_split($product) as $digit) {
        $left = $left * 10 + (int) $digit;
        $quotient .= intdiv($left, $den);
        $left %= $den;
    }
    return ltrim($quotient, '0') ?: '0';
}

// minus is a - b, of which a is not less.
function minus(string $a, string $b): string
{
    $b = str_pad($b, strlen($a), '0', STR_PAD_LEFT);
    $difference = '';
    $borrow = 0;
    for ($i = strlen($a) - 1; $i >= 0; $i--) {
        $digit = (int) $a[$i] - (int) $b[$i] - $borrow;
        $borrow = $digit < 0 ? 1 : 0;
        $difference = ($digit + 10 * $borrow) . $difference;
    }
    return ltrim($difference, '0') ?: '0';
}

// actual is a raw amount in whole units, raw the other way round.
function actual(string $raw, int $decimals): string
{
    $raw = str_pad($raw, $decimals + 1, '0', STR_PAD_LEFT);
    $fraction = rtrim(substr($raw, strlen($raw) - $decimals), '0');
    return substr($raw, 0, strlen($raw) - $decimals) . ($fraction === '' ? '' : ".$fraction");
}

function raw(string $actual, int $decimals): string
{
    [$whole, $fraction] = explode('.', $actual . '.');
    return ltrim($whole . str_pad($fraction, $decimals, '0'), '0') ?: '0';
}
