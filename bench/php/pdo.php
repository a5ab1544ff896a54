<?php // the narrow tables by PDO over a kept connection; prepared by the server, or (?emulate, PDO's default) by PDO
header('Content-Type: application/json');
header('Cache-Control: no-store');
$db = new PDO('mysql:unix_socket=' . getenv('MYSQL') . ';dbname=' . getenv('DATABASE'), 'root', '', [
    PDO::ATTR_PERSISTENT => true,
    PDO::ATTR_EMULATE_PREPARES => isset($_GET['emulate']),
    PDO::ATTR_ERRMODE => PDO::ERRMODE_EXCEPTION,
]);
$q = $db->prepare('SELECT u.id, u.email, u.name, u.emailVerified, u.image, s.createdAt, s.expiresAt, s.userAgent
    FROM bench_session s JOIN bench_user u ON u.id = s.userId WHERE s.token = ? AND s.expiresAt > ?');
$q->execute([hash('sha256', $_COOKIE['sid'] ?? '', true), time()]);
$r = $q->fetch(PDO::FETCH_ASSOC);
if (!$r) {
    http_response_code(401);
    exit('null');
}
echo json_encode([
    'session' => ['userId' => $r['id'], 'createdAt' => $r['createdAt'], 'expiresAt' => $r['expiresAt'], 'userAgent' => $r['userAgent']],
    'user' => ['id' => $r['id'], 'email' => $r['email'], 'name' => $r['name'], 'emailVerified' => (bool)$r['emailVerified'], 'image' => $r['image']],
], JSON_UNESCAPED_SLASHES);
