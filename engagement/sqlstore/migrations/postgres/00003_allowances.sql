-- +goose Up
-- Allowances that are not whole, in microseconds. What is lost in a crash of the database
-- the servers tell again as it is spent.
CREATE UNLOGGED TABLE allowances (
	name     TEXT   COLLATE "C" NOT NULL PRIMARY KEY,
	spent    BIGINT NOT NULL, -- by the server that told last
	whole_at BIGINT NOT NULL  -- since the Unix epoch
) WITH (fillfactor = 50);

-- +goose Down
DROP TABLE allowances;
