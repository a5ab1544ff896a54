<?php // sessions.php TOKENS USERS DIR: a session file in DIR for each line of TOKENS; the cookies on the standard output
[, $tokens, $users, $dir] = $argv;
$users = file($users, FILE_IGNORE_NEW_LINES);
foreach (file($tokens, FILE_IGNORE_NEW_LINES) as $i => $token) {
    $n = (int)$users[$i];
    $session = ['userId' => $n, 'createdAt' => 1790000000, 'expiresAt' => 4102444800,
        'userAgent' => 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'];
    $user = ['id' => $n, 'email' => "user$n@example.org", 'name' => "User Number $n", 'emailVerified' => true,
        'image' => "https://img.example.org/avatars/user$n/large.png"];
    file_put_contents("$dir/sess_$token", 'session|' . serialize($session) . 'user|' . serialize($user));
    echo "PHPSESSID=$token\n";
}
