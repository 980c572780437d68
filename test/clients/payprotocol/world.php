<?php
// The other side of standard input and output: a JSON object a line. It sees the steps, and does what a shop cannot.
declare(strict_types=1);

function say(array $line): void
{
    fwrite(STDOUT, json_encode($line, JSON_THROW_ON_ERROR) . "\n");
}

// step tells that a promise was kept.
function step(string $name, array $facts = []): void
{
    say(['step' => $name, 'facts' => (object) $facts]);
}

// ask has the world do something and returns what there is to know of it.
function ask(string $name, array $with): ?object
{
    say(['ask' => $name, 'with' => $with]);
    $line = fgets(STDIN);
    $said = $line === false ? null : json_decode($line);
    if ($said === null || isset($said->error)) {
        throw new Exception("$name: " . ($said->error ?? 'nobody answers'));
    }
    return $said->answer;
}

// run makes the journey and tells how it ended.
function run(callable $journey): void
{
    // A warning is a mistake, and must not be part of what is said.
    set_error_handler(function (int $level, string $text, string $file, int $line) {
        return error_reporting() & $level ? throw new ErrorException($text, 0, $level, $file, $line) : true;
    });
    try {
        say(['end' => (object) $journey()]);
    } catch (Throwable $why) {
        say(['failed' => $why->getMessage()]);
        fwrite(STDERR, $why->getTraceAsString() . "\n");
    }
}
