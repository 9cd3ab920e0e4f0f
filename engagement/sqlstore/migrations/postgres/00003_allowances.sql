-- +goose Up
-- Allowances that are not whole, in microseconds. Rows lost in a crash of the database come back as the servers report further spending.
CREATE UNLOGGED TABLE allowances (
	name     TEXT   COLLATE "C" NOT NULL PRIMARY KEY,
	spent    BIGINT NOT NULL, -- by the server that told last
	whole_at BIGINT NOT NULL  -- since the Unix epoch
) WITH (fillfactor = 50);

-- +goose Down
DROP TABLE allowances;
