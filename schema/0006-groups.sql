-- Groups of users, by name: who may pass the gate where a rule asks for one.

CREATE TABLE @latchkey_group (
  userId {id} NOT NULL,
  name {key} NOT NULL,
  PRIMARY KEY (userId, name)
) {table};
CREATE INDEX @latchkey_group_name ON @latchkey_group (name, userId);
