<?php // PHP's own sessions in files, which are not locked because nothing is written
session_start(['read_and_close' => true]);
header('Content-Type: application/json');
header('Cache-Control: no-store');
if (!isset($_SESSION['user'])) {
    http_response_code(401);
    exit('null');
}
echo json_encode(['session' => $_SESSION['session'], 'user' => $_SESSION['user']], JSON_UNESCAPED_SLASHES);
