<?php
/* The gate for PHP pages: runs before each page of a guarded directory (auto_prepend_file in .user.ini) and asks latchkey,
 * as a CGI program, whether the page may be shown, and to whom. Whatever is not a clear yes ends here: the page does not
 * run. Lies outside of the document root. Needs PHP 7.4 with proc_open. */

final class LatchkeyGate
{
    /* The script that starts latchkey, and auth.base_path. */
    private const PROGRAM = '/home/USER/public_html/auth';
    private const BASE_PATH = '/auth';

    /* What of the request latchkey is told. */
    private const TOLD = ['REQUEST_METHOD', 'REQUEST_URI', 'SERVER_PROTOCOL', 'REMOTE_ADDR', 'HTTP_COOKIE', 'HTTP_AUTHORIZATION',
        'HTTP_ACCEPT', 'HTTP_ACCEPT_LANGUAGE', 'HTTP_USER_AGENT', 'HTTP_X_FORWARDED_FOR', 'HTTP_SEC_FETCH_SITE', 'HTTP_SEC_FETCH_MODE'];
    private const ANSWER_MAX = 1 << 20;

    /* Names that a page may take for who its reader is, with or without the HTTP_ that says that the client sent it, or the
     * REDIRECT_ of Apache's rewriting. Add what your pages believe in. */
    private const CLAIM = '/^(REDIRECT_)*(HTTP_)?(((X_)?(REMOTE|AUTH|AUTH_REQUEST|AUTHENTICATED|FORWARDED|WEBAUTH)_(USER|USER_ID|UID|EMAIL|NAME|GROUPS|SID|SESSION_ID|PREFERRED_USERNAME))|VARIABLE_\w+|PROXY)$/';
    /* Names that Authorization makes, and nobody has verified. */
    private const BASIC = ['PHP_AUTH_USER', 'PHP_AUTH_PW', 'PHP_AUTH_DIGEST', 'AUTH_TYPE', 'HTTP_AUTHORIZATION',
        'REDIRECT_HTTP_AUTHORIZATION'];

    public static bool $passed = false;

    public static function run(): void
    {
        try {
            $answer = self::decide();
        } catch (Throwable $e) {
            error_log("latchkey: $e");
            $answer = null;
        }
        if (($answer['status'] ?? 0) !== 200)
            self::refuse($answer);
        self::tell($answer['fields']);
        header('Cache-Control: private, no-cache');
        self::$passed = true;
    }

    /* A yes with who it is, or the answer to show in place of the page; null: latchkey gave none. */
    private static function decide(): ?array
    {
        foreach (self::paths() as $path) {
            $answer = self::ask(['LATCHKEY_OP' => 'check'] + $path);
            if (!$answer || $answer['status'] !== 200)
                break;
            if (($answer['fields']['variable-auth_user_id'] ?? '') === '')
                return null;
        }
        if (!$answer || $answer['status'] === 200)
            return $answer;
        /* The page to sign in by (401), that this one is not for its reader (403), or 503. Who may not is told of the path
         * that was refused, who is to sign in comes back to the address that was sent. */
        $refused = $answer['status'] === 403 && isset($path['LATCHKEY_PATH'])
            ? ['REQUEST_URI' => implode('/', array_map('rawurlencode', explode('/', $path['LATCHKEY_PATH'])))] : [];
        $page = self::ask(['REDIRECT_STATUS' => '401', 'REQUEST_METHOD' => 'GET', 'SCRIPT_NAME' => self::BASE_PATH, 'PATH_INFO' => '/login'] + $refused);
        return $page && $page['status'] !== 200 ? $page : null;
    }

    /* What latchkey is asked about: the address that the client sent, which it decodes and resolves itself, and where that
     * has led, so that the rules of both hold. */
    private static function paths(): array
    {
        $script = $_SERVER['SCRIPT_NAME'] ?? '';
        $info = $_SERVER['PATH_INFO'] ?? '';
        $paths = [[]];
        if ($script . $info !== $_SERVER['REQUEST_URI'])
            $paths[] = ['LATCHKEY_PATH' => $script . $info];
        /* a file that is sent by a page */
        if (basename($script) === 'latchkey-file.php')
            $paths[] = ['LATCHKEY_PATH' => $info];
        return $paths;
    }

    /* Runs latchkey with these variables and those of the request. */
    private static function ask(array $env): ?array
    {
        $env += ['GATEWAY_INTERFACE' => 'CGI/1.1'];
        foreach (self::TOLD as $name)
            if (isset($_SERVER[$name]))
                $env += [$name => (string)$_SERVER[$name]];
        $process = proc_open([self::PROGRAM], [['pipe', 'r'], ['pipe', 'w']], $pipes, null, $env);
        if (!is_resource($process))
            return null;
        fclose($pipes[0]);
        $text = (string)stream_get_contents($pipes[1], self::ANSWER_MAX);
        fclose($pipes[1]);
        return proc_close($process) === 0 ? self::parse($text) : null;
    }

    private static function parse(string $text): ?array
    {
        $parts = explode("\r\n\r\n", $text, 2);
        if (count($parts) !== 2 || !preg_match('/^Status: (\d{3}) /', $parts[0], $m))
            return null;
        $answer = ['status' => (int)$m[1], 'fields' => [], 'cookies' => [], 'body' => $parts[1]];
        foreach (array_slice(explode("\r\n", $parts[0]), 1) as $line) {
            [$name, $value] = explode(': ', $line, 2) + [1 => ''];
            if (strcasecmp($name, 'Set-Cookie') === 0)
                $answer['cookies'][] = $value;
            else
                $answer['fields'][strtolower($name)] = $value;
        }
        return $answer;
    }

    /* The page finds REMOTE_USER, AUTH_USER_ID and so on in $_SERVER and by getenv(), and nothing that the client says. */
    private static function tell(array $fields): void
    {
        foreach (array_keys($_SERVER + $_ENV + getenv()) as $name)
            if (preg_match(self::CLAIM, (string)$name) || in_array($name, self::BASIC, true)) {
                unset($_SERVER[$name], $_ENV[$name]);
                putenv((string)$name);
            }
        foreach ($fields as $name => $value)
            if (strncmp($name, 'variable-', 9) === 0) {
                $name = strtoupper(substr($name, 9));
                $_SERVER[$name] = $value;
                putenv("$name=$value");
            }
    }

    private static function refuse(?array $answer): void
    {
        $answer = $answer ?? ['status' => 503, 'fields' => ['content-type' => 'text/plain', 'retry-after' => '2'], 'cookies' => [], 'body' => "Service unavailable\n"];
        http_response_code($answer['status']);
        header('Cache-Control: no-store');
        foreach ($answer['fields'] as $name => $value)
            header("$name: $value");
        foreach ($answer['cookies'] as $value)
            header("Set-Cookie: $value", false);
        echo $answer['body'];
        exit;
    }
}

LatchkeyGate::run();
