"""The tables of the local desk's file. Agents' tools may read and write them too; what changed is kept by triggers."""

VERSION = 1
"""Kept as the file's ``user_version``; a file of a newer version is not opened."""

SCHEMA = """
CREATE TABLE choice (
  list TEXT NOT NULL,              -- departments, priorities, statuses, agents
  id TEXT NOT NULL,
  label TEXT NOT NULL,
  meaning TEXT NOT NULL,           -- of a status: open, pending, closed
  position INTEGER NOT NULL,
  PRIMARY KEY (list, id)
) WITHOUT ROWID;
CREATE TABLE person (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  email TEXT NOT NULL UNIQUE COLLATE NOCASE
);
CREATE TABLE ticket (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  subject TEXT NOT NULL,
  status TEXT NOT NULL,
  department TEXT NOT NULL,
  priority TEXT NOT NULL,
  owner TEXT NOT NULL,
  requester TEXT NOT NULL,
  email TEXT NOT NULL,
  person INTEGER REFERENCES person (id),
  created_at TEXT NOT NULL,        -- times are ISO 8601 in UTC
  marker TEXT NOT NULL             -- not unique: that nothing is done twice is proved, not hidden
);
CREATE INDEX ticket_by_marker ON ticket (marker);
CREATE TABLE ticket_field (
  ticket INTEGER NOT NULL REFERENCES ticket (id),
  key TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (ticket, key)
) WITHOUT ROWID;
CREATE TABLE message (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  ticket INTEGER NOT NULL REFERENCES ticket (id),
  author TEXT NOT NULL,
  email TEXT NOT NULL,
  role TEXT NOT NULL,              -- requester, agent, system
  internal INTEGER NOT NULL,
  plain TEXT NOT NULL,
  markdown TEXT,
  html TEXT,
  at TEXT NOT NULL,
  mail INTEGER NOT NULL,           -- whether a desk with a mail server would have sent it to the requester
  marker TEXT NOT NULL
);
CREATE INDEX message_by_ticket ON message (ticket);
CREATE INDEX message_by_marker ON message (marker);
CREATE TABLE file (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  message INTEGER NOT NULL REFERENCES message (id) ON DELETE CASCADE,
  name TEXT NOT NULL,
  media_type TEXT NOT NULL,
  sha256 TEXT NOT NULL,
  data BLOB NOT NULL
);
CREATE INDEX file_by_message ON file (message);
CREATE TABLE change (
  n INTEGER PRIMARY KEY AUTOINCREMENT,
  ticket INTEGER NOT NULL,
  at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f+00:00', 'now'))
);
CREATE INDEX change_by_ticket ON change (ticket);
CREATE TRIGGER opened AFTER INSERT ON ticket BEGIN INSERT INTO change (ticket) VALUES (new.id); END;
CREATE TRIGGER changed AFTER UPDATE ON ticket BEGIN INSERT INTO change (ticket) VALUES (new.id); END;
CREATE TRIGGER written AFTER INSERT ON message BEGIN INSERT INTO change (ticket) VALUES (new.ticket); END;
CREATE TRIGGER edited AFTER UPDATE ON message BEGIN INSERT INTO change (ticket) VALUES (new.ticket); END;
CREATE TRIGGER deleted AFTER DELETE ON message BEGIN INSERT INTO change (ticket) VALUES (old.ticket); END;
"""

ADDED = """
CREATE TABLE IF NOT EXISTS merger (
  ticket INTEGER PRIMARY KEY REFERENCES ticket (id) ON DELETE CASCADE,
  target INTEGER NOT NULL REFERENCES ticket (id) ON DELETE CASCADE
);
CREATE TRIGGER IF NOT EXISTS merged AFTER INSERT ON merger BEGIN INSERT INTO change (ticket) VALUES (new.ticket); END;
"""
"""What came later, made in older files too; an older Threadline does without it."""
