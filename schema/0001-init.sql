-- Tables of latchkey. Names and columns of user, session, account and verification are those of Better Auth and Nevr;
-- further columns are ours. {word} stands for what differs between SQLite and MySQL, @name for prefix and name.
-- Statements end with a semicolon at the end of a line.

-- First, since it tells how far a migration came where a database cannot undo half of one.
CREATE TABLE @latchkey_meta (
  name {key} NOT NULL PRIMARY KEY,
  value {text} NOT NULL
) {table};

CREATE TABLE @user (
  id {id} NOT NULL PRIMARY KEY,
  name {name} NOT NULL,
  email {email} NOT NULL,
  emailVerified {bool} NOT NULL,
  image {text},
  createdAt {time} NOT NULL,
  updatedAt {time} NOT NULL
) {table};
CREATE UNIQUE INDEX @user_email ON @user (email);

CREATE TABLE @session (
  id {id} NOT NULL PRIMARY KEY,
  expiresAt {time} NOT NULL,
  token {hash} NOT NULL,
  createdAt {time} NOT NULL,
  updatedAt {time} NOT NULL,
  ipAddress {text},
  userAgent {text},
  userId {id} NOT NULL,
  rememberMe {bool} NOT NULL,
  authenticatedAt {time} NOT NULL,
  diesAt {time} NOT NULL,
  lastSeenAt {time} NOT NULL,
  lastIpAddress {text},
  FOREIGN KEY (userId) REFERENCES @user (id) ON DELETE CASCADE
) {table};
CREATE UNIQUE INDEX @session_token ON @session (token);
CREATE INDEX @session_userId ON @session (userId);
CREATE INDEX @session_expiresAt ON @session (expiresAt);

CREATE TABLE @account (
  id {id} NOT NULL PRIMARY KEY,
  accountId {name} NOT NULL,
  providerId {name} NOT NULL,
  userId {id} NOT NULL,
  accessToken {text},
  refreshToken {text},
  idToken {text},
  accessTokenExpiresAt {time},
  refreshTokenExpiresAt {time},
  scope {text},
  password {text},
  createdAt {time} NOT NULL,
  updatedAt {time} NOT NULL,
  FOREIGN KEY (userId) REFERENCES @user (id) ON DELETE CASCADE
) {table};
CREATE INDEX @account_userId ON @account (userId);

CREATE TABLE @verification (
  id {id} NOT NULL PRIMARY KEY,
  identifier {name} NOT NULL,
  value {text} NOT NULL,
  expiresAt {time} NOT NULL,
  createdAt {time} NOT NULL,
  updatedAt {time} NOT NULL
) {table};
CREATE INDEX @verification_identifier ON @verification (identifier);

-- One row for each user: the lock every transaction on the user's sessions takes first, and whether the user is disabled.
CREATE TABLE @latchkey_user (
  userId {id} NOT NULL PRIMARY KEY,
  turn {int} NOT NULL,
  disabledAt {time}
) {table};
