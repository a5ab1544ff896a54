<?php
/* Sends the files of a guarded directory that are no PHP pages (.htaccess), once gate.php has said yes. */

const TYPES = [
    'html' => 'text/html', 'htm' => 'text/html', 'css' => 'text/css', 'js' => 'text/javascript', 'mjs' => 'text/javascript',
    'json' => 'application/json', 'xml' => 'application/xml', 'txt' => 'text/plain', 'csv' => 'text/csv', 'pdf' => 'application/pdf',
    'png' => 'image/png', 'jpg' => 'image/jpeg', 'jpeg' => 'image/jpeg', 'gif' => 'image/gif', 'webp' => 'image/webp',
    'avif' => 'image/avif', 'svg' => 'image/svg+xml', 'ico' => 'image/x-icon', 'woff' => 'font/woff', 'woff2' => 'font/woff2',
    'mp3' => 'audio/mpeg', 'ogg' => 'audio/ogg', 'mp4' => 'video/mp4', 'webm' => 'video/webm', 'zip' => 'application/zip',
];

function answer(int $status): void
{
    http_response_code($status);
    exit;
}

if (!class_exists('LatchkeyGate') || !LatchkeyGate::$passed)
    answer(503);
if (!in_array($_SERVER['REQUEST_METHOD'], ['GET', 'HEAD'], true))
    answer(405);
/* Of this directory or below, of a kind that browsers show, and none that is hidden. */
$below = dirname($_SERVER['SCRIPT_NAME']) . '/';
$path = $_SERVER['PATH_INFO'] ?? '';
if (strncmp($path, $below, strlen($below)) !== 0 || strpos($path, '/.') !== false)
    answer(404);
$file = realpath(__DIR__ . '/' . substr($path, strlen($below)));
$type = TYPES[strtolower(pathinfo((string)$file, PATHINFO_EXTENSION))] ?? null;
if ($file === false || strncmp($file, __DIR__ . '/', strlen(__DIR__) + 1) !== 0 || $type === null || !is_file($file))
    answer(404);
while (ob_get_level() > 0)
    ob_end_clean();
header("Content-Type: $type" . (strncmp($type, 'text/', 5) === 0 ? '; charset=utf-8' : ''));
header('X-Content-Type-Options: nosniff');
readfile($file);
