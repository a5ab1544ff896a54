-- What happened, for administrators and for users themselves; why a session ended, for the browser that still holds it.

-- Rows are added and, once old enough, deleted; never changed. No foreign key: they outlive the user.
CREATE TABLE @latchkey_audit (
  id {serial},
  at {time} NOT NULL,
  event {key} NOT NULL,
  userId {id},
  sessionId {id},
  actor {name} NOT NULL,
  reason {key},
  email {email},
  ipAddress {text},
  userAgent {text},
  requestId {key}
) {table};
CREATE INDEX @latchkey_audit_at ON @latchkey_audit (at);
CREATE INDEX @latchkey_audit_userId ON @latchkey_audit (userId, id);
CREATE INDEX @latchkey_audit_email ON @latchkey_audit (email);

-- By the hash of the token, which is all that the session's browser has. Not unique: a session must be ended whatever is
-- noted already (of a backup that was restored, or by another who ends it at the same time).
CREATE TABLE @latchkey_ended (
  id {serial},
  token {hash} NOT NULL,
  reason {key} NOT NULL,
  expiresAt {time} NOT NULL
) {table};
CREATE INDEX @latchkey_ended_token ON @latchkey_ended (token);
CREATE INDEX @latchkey_ended_expiresAt ON @latchkey_ended (expiresAt);
CREATE INDEX @verification_expiresAt ON @verification (expiresAt);
