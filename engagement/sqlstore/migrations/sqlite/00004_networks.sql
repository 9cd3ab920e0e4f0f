-- +goose Up
-- The bad network that the session has chosen; empty: none of its own any more.
CREATE TABLE networks (
	session TEXT   NOT NULL PRIMARY KEY,
	setting TEXT   NOT NULL,
	set_at  BIGINT NOT NULL
);
CREATE INDEX networks_latest ON networks (set_at);

-- +goose Down
DROP TABLE networks;
