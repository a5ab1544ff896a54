-- Mails that wait to be sent: written in the transaction of what they tell of, deleted once they are out.

-- ref is random: the seal of data holds for it, kind and recipient together, and the Message-ID is made of it. recipient
-- NULL: nobody is there to be written to; the row is there so that it takes as long as one for somebody.
CREATE TABLE @latchkey_mail (
  id {serial},
  ref {key} NOT NULL,
  kind {key} NOT NULL,
  recipient {email},
  data {text} NOT NULL,
  createdAt {time} NOT NULL,
  dueAt {time} NOT NULL,
  tries {int} NOT NULL,
  expiresAt {time} NOT NULL,
  lastError {text}
) {table};
CREATE INDEX @latchkey_mail_dueAt ON @latchkey_mail (dueAt);
CREATE INDEX @latchkey_mail_expiresAt ON @latchkey_mail (expiresAt);
CREATE INDEX @latchkey_mail_recipient ON @latchkey_mail (recipient);
