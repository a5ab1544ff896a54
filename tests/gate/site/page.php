<?php
// A page behind the gate: what the web server handed to it, and what became of the request's body.
header('Content-Type: text/plain');
$body = file_get_contents('php://input');
foreach ($_SERVER as $name => $value) {
	if (is_string($value)) echo $name, '=', str_replace(["\r", "\n"], ' ', $value), "\n";
}
echo 'BODY_LEN=', strlen($body), "\nBODY_MD5=", md5($body), "\n";
