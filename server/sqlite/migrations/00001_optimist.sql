-- +goose Up

-- Times are milliseconds since the Unix epoch.

-- Keys of operations that were carried out. version is the version of the operation's first entity after the operation.
CREATE TABLE optimist_keys (
	user_id     TEXT    NOT NULL,
	key         TEXT    NOT NULL,
	fingerprint TEXT    NOT NULL,
	already     BOOLEAN NOT NULL,
	version     BIGINT  NOT NULL,
	made_at     BIGINT  NOT NULL,
	PRIMARY KEY (user_id, key)
) WITHOUT ROWID;

CREATE INDEX optimist_keys_by_age ON optimist_keys (made_at);

-- The keys that the truth of an entity contains, for the user who sent them. seq grows.
CREATE TABLE optimist_contains (
	seq     INTEGER PRIMARY KEY,
	entity  TEXT    NOT NULL,
	user_id TEXT    NOT NULL,
	key     TEXT    NOT NULL,
	made_at BIGINT  NOT NULL
);

CREATE INDEX optimist_contains_by_viewer ON optimist_contains (entity, user_id, seq);
CREATE INDEX optimist_contains_by_age ON optimist_contains (made_at);

CREATE TABLE optimist_entities (
	id         TEXT   NOT NULL PRIMARY KEY,
	version    BIGINT NOT NULL,
	changed_at BIGINT NOT NULL
) WITHOUT ROWID;

-- The newest position of each partition of the feed.
CREATE TABLE optimist_heads (
	part     INTEGER NOT NULL PRIMARY KEY,
	era      BIGINT  NOT NULL,
	position BIGINT  NOT NULL
);

-- Positions of one partition are consecutive, from the oldest that is kept to the newest.
CREATE TABLE optimist_feed (
	part     INTEGER NOT NULL,
	position BIGINT  NOT NULL,
	entity   TEXT    NOT NULL,
	version  BIGINT  NOT NULL,
	made_at  BIGINT  NOT NULL,
	PRIMARY KEY (part, position)
) WITHOUT ROWID;

-- A row that is written to see whether writing works, and then removed.
CREATE TABLE optimist_probe (
	filling TEXT NOT NULL
);
