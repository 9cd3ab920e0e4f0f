-- +goose Up

-- Times are milliseconds since the Unix epoch. "at" is a hybrid clock reading.

CREATE TABLE posts (
	id            TEXT    NOT NULL PRIMARY KEY,
	author        TEXT    NOT NULL,
	text          TEXT    NOT NULL,
	created_at    BIGINT  NOT NULL,
	likes         INTEGER NOT NULL CHECK (likes >= 0),
	saves         INTEGER NOT NULL CHECK (saves >= 0),
	comments      INTEGER NOT NULL CHECK (comments >= 0),
	comments_made BIGINT  NOT NULL,
	version       BIGINT  NOT NULL,
	changed_at    BIGINT  NOT NULL,
	deleted       BOOLEAN NOT NULL
);

CREATE INDEX posts_feed ON posts (created_at, id) WHERE deleted = FALSE;

-- A like or save stays when it is removed: its "at" still refuses older operations.
CREATE TABLE marks (
	post_id   TEXT    NOT NULL REFERENCES posts (id),
	user_name TEXT    NOT NULL,
	kind      TEXT    NOT NULL CHECK (kind IN ('like', 'save')),
	is_on     BOOLEAN NOT NULL,
	at        BIGINT  NOT NULL,
	client    TEXT    NOT NULL,
	PRIMARY KEY (post_id, user_name, kind)
);

CREATE TABLE comments (
	post_id    TEXT    NOT NULL REFERENCES posts (id),
	id         TEXT    NOT NULL,
	author     TEXT    NOT NULL,
	text       TEXT    NOT NULL,
	number     BIGINT  NOT NULL,
	created_at BIGINT  NOT NULL,
	edited_at  BIGINT  NOT NULL,
	at         BIGINT  NOT NULL,
	client     TEXT    NOT NULL,
	deleted    BOOLEAN NOT NULL,
	PRIMARY KEY (post_id, id)
);

CREATE UNIQUE INDEX comments_order ON comments (post_id, number);

-- One row for each operation that was applied, so that it is applied exactly once.
CREATE TABLE operations (
	seq         INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
	user_name   TEXT    NOT NULL,
	key         TEXT    NOT NULL,
	post_id     TEXT    NOT NULL,
	fingerprint TEXT    NOT NULL,
	already     BOOLEAN NOT NULL,
	version     BIGINT  NOT NULL,
	applied_at  BIGINT  NOT NULL,
	UNIQUE (user_name, key)
);

CREATE INDEX operations_latest ON operations (user_name, post_id, seq);
CREATE INDEX operations_age ON operations (applied_at);

-- The change feed. The newest row is never deleted: it holds the position.
CREATE TABLE changes (
	seq     INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
	post_id TEXT    NOT NULL,
	version BIGINT  NOT NULL,
	made_at BIGINT  NOT NULL
);

CREATE TABLE secrets (
	name  TEXT NOT NULL PRIMARY KEY,
	value BLOB NOT NULL
);

CREATE TABLE ended_sessions (
	id         TEXT   NOT NULL PRIMARY KEY,
	keep_until BIGINT NOT NULL
);

-- +goose Down

DROP TABLE ended_sessions;
DROP TABLE secrets;
DROP TABLE changes;
DROP TABLE operations;
DROP TABLE comments;
DROP TABLE marks;
DROP TABLE posts;
