-- +goose Up
-- Times are milliseconds since the Unix epoch. "at" is a hybrid clock reading. Versions of
-- posts, and the times at which they changed, are in the kit's table of entities. Ids and
-- names compare bytewise, as they do in SQLite.
CREATE TABLE posts (
	id            TEXT    COLLATE "C" NOT NULL PRIMARY KEY,
	author        TEXT    COLLATE "C" NOT NULL,
	text          TEXT    NOT NULL,
	created_at    BIGINT  NOT NULL,
	likes         INTEGER NOT NULL CHECK (likes >= 0),
	saves         INTEGER NOT NULL CHECK (saves >= 0),
	comments      INTEGER NOT NULL CHECK (comments >= 0),
	comments_made BIGINT  NOT NULL,
	revised       BIGINT  NOT NULL,
	deleted       BOOLEAN NOT NULL
);
CREATE INDEX posts_feed ON posts (created_at, id) WHERE deleted = FALSE;

-- A like or save stays when it is removed: its "at" still refuses older operations.
CREATE TABLE marks (
	post_id   TEXT    COLLATE "C" NOT NULL REFERENCES posts (id),
	user_name TEXT    COLLATE "C" NOT NULL,
	kind      TEXT    COLLATE "C" NOT NULL CHECK (kind IN ('like', 'save')),
	is_on     BOOLEAN NOT NULL,
	at        BIGINT  NOT NULL,
	client    TEXT    COLLATE "C" NOT NULL,
	PRIMARY KEY (post_id, user_name, kind)
);

CREATE TABLE comments (
	post_id    TEXT    COLLATE "C" NOT NULL REFERENCES posts (id),
	id         TEXT    COLLATE "C" NOT NULL,
	author     TEXT    COLLATE "C" NOT NULL,
	text       TEXT    NOT NULL,
	number     BIGINT  NOT NULL,
	created_at BIGINT  NOT NULL,
	edited_at  BIGINT  NOT NULL,
	at         BIGINT  NOT NULL,
	client     TEXT    COLLATE "C" NOT NULL,
	deleted    BOOLEAN NOT NULL,
	PRIMARY KEY (post_id, id)
);
CREATE UNIQUE INDEX comments_order ON comments (post_id, number);

CREATE TABLE secrets (
	name  TEXT  COLLATE "C" NOT NULL PRIMARY KEY,
	value BYTEA NOT NULL
);

CREATE TABLE ended_sessions (
	id         TEXT   COLLATE "C" NOT NULL PRIMARY KEY,
	keep_until BIGINT NOT NULL
);

-- +goose Down
DROP TABLE ended_sessions;
DROP TABLE secrets;
DROP TABLE comments;
DROP TABLE marks;
DROP TABLE posts;
