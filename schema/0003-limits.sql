-- Tries that were counted, so that limits hold for all processes and hosts and survive a restart; and where users signed
-- in before, so that strangers cannot use up what a user may try himself.

-- freeAt in ms since 1970: it is calculated with.
CREATE TABLE @latchkey_limit (
  name {name} NOT NULL PRIMARY KEY,
  subject {name} NOT NULL,
  tries {int} NOT NULL,
  freeAt {int} NOT NULL,
  expiresAt {time} NOT NULL
) {table};
CREATE INDEX @latchkey_limit_subject ON @latchkey_limit (subject);
CREATE INDEX @latchkey_limit_expiresAt ON @latchkey_limit (expiresAt);

CREATE TABLE @latchkey_device (
  userId {id} NOT NULL,
  device {key} NOT NULL,
  lastSeenAt {time} NOT NULL,
  expiresAt {time} NOT NULL,
  PRIMARY KEY (userId, device)
) {table};
CREATE INDEX @latchkey_device_expiresAt ON @latchkey_device (expiresAt);
