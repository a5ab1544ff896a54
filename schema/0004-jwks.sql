-- Keys that sign JWTs, as Better Auth names them. What it keeps of the private half is another form: privateKey is sealed
-- by the secret file and bound to the row's id.

-- It signs from createdAt to expiresAt; NULL: no end yet.
CREATE TABLE @jwks (
  id {id} NOT NULL PRIMARY KEY,
  publicKey {text} NOT NULL,
  privateKey {text} NOT NULL,
  createdAt {time} NOT NULL,
  expiresAt {time},
  alg {text},
  crv {text}
) {table};
