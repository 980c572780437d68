<?php
declare(strict_types=1);

// The shop's server and what it was told.
class Postbox
{
    private $server;
    private array $told = []; // by the file's name; null once it was taken
    private array $taken = []; // their texts

    public function __construct(int $port, private int $patience)
    {
        $this->clear();
        mkdir(__DIR__ . '/spool');
        $null = ['file', '/dev/null', 'w'];
        $this->server = proc_open([PHP_BINARY, '-S', "127.0.0.1:$port", __DIR__ . '/callback.php'], [['file', '/dev/null', 'r'], $null, $null], $pipes);
        register_shutdown_function(function () {
            proc_terminate($this->server);
            $this->clear();
        });
        for ($tries = 0; !($open = @fsockopen('127.0.0.1', $port)); $tries++) {
            if ($tries > 200 || !proc_get_status($this->server)['running']) {
                throw new Exception("no server for callbacks at port $port");
            }
            usleep(25_000);
        }
        fclose($open);
    }

    // wait returns the first callback that fits and was not returned before. What it is told wrongly ends the journey.
    public function wait(string $what, callable $fits): object
    {
        $until = time() + $this->patience;
        do {
            $this->read();
            foreach ($this->told as $name => $callback) {
                if ($callback !== null && $fits($callback->body, $callback->target)) {
                    $this->told[$name] = null;
                    $this->taken[] = $callback->text;
                    return $callback;
                }
            }
            usleep(25_000);
        } while (time() <= $until);
        $left = array_map(fn ($c) => $c->text, array_filter($this->told));
        throw new Exception("waited for $what; told were " . (implode(' ', $left) ?: 'none'));
    }

    // rest are the callbacks that nobody has waited for. One that came twice is none: the documents allow for it.
    public function rest(): array
    {
        $this->read();
        return array_filter($this->told, fn ($callback) => $callback !== null && !in_array($callback->text, $this->taken, true));
    }

    private function read(): void
    {
        foreach (glob(__DIR__ . '/spool/*.json') as $name) {
            if (array_key_exists($name, $this->told)) {
                continue;
            }
            $callback = json_decode(file_get_contents($name));
            if ($callback->why !== '') {
                throw new Exception("a callback that is refused: $callback->why: $callback->target $callback->text");
            }
            $callback->body = json_decode($callback->text);
            check(shapeOf($callback->body), $callback->body, 'callback');
            $this->told[$name] = $callback;
        }
    }

    private function clear(): void
    {
        array_map('unlink', glob(__DIR__ . '/spool/*'));
        @rmdir(__DIR__ . '/spool');
    }
}
