-- +goose Up

-- The operations that have been carried out. A key is claimed by an advisory lock before its row exists, and entities are held in the same way. Times ascend nearly as rows do, so that the smallest kind of index finds the old ones.
CREATE TABLE optimist_keys (
	user_id     text COLLATE "C" NOT NULL,
	key         text COLLATE "C" NOT NULL,
	fingerprint text             NOT NULL,
	already     boolean          NOT NULL,
	version     bigint           NOT NULL,
	made_at     bigint           NOT NULL,
	PRIMARY KEY (user_id, key)
);
CREATE INDEX optimist_keys_made_at ON optimist_keys USING brin (made_at) WITH (pages_per_range = 16);

-- The keys that the truth of an entity contains, for the user who sent them. Ids of one
-- entity ascend in the order of the operations, because each holds the entity.
CREATE TABLE optimist_contains (
	user_id text COLLATE "C" NOT NULL,
	entity  text COLLATE "C" NOT NULL,
	id      bigint GENERATED ALWAYS AS IDENTITY,
	key     text COLLATE "C" NOT NULL,
	made_at bigint           NOT NULL,
	PRIMARY KEY (user_id, entity, id)
);
CREATE INDEX optimist_contains_made_at ON optimist_contains USING brin (made_at) WITH (pages_per_range = 16);

-- One row for each entity that ever existed.
CREATE TABLE optimist_entities (
	id         text COLLATE "C" PRIMARY KEY,
	version    bigint NOT NULL,
	changed_at bigint NOT NULL
) WITH (fillfactor = 70);

-- The counter of each partition of the feed. A transaction that adds to the feed holds the row until the commit, so that positions become visible in their order. Entries up to forgotten are deleted.
CREATE TABLE optimist_heads (
	part      integer PRIMARY KEY,
	position  bigint NOT NULL DEFAULT 0,
	forgotten bigint NOT NULL DEFAULT 0,
	era       bigint NOT NULL
) WITH (fillfactor = 10);
INSERT INTO optimist_heads (part, era) VALUES (0, (extract(epoch FROM clock_timestamp()) * 1000)::bigint);

CREATE TABLE optimist_feed (
	part     integer NOT NULL,
	position bigint  NOT NULL,
	entity   text COLLATE "C" NOT NULL,
	version  bigint  NOT NULL,
	made_at  bigint  NOT NULL,
	PRIMARY KEY (part, position)
);

-- Committed changes that have no position yet.
CREATE TABLE optimist_pending (
	entity  text COLLATE "C" NOT NULL,
	version bigint  NOT NULL,
	part    integer NOT NULL,
	made_at bigint  NOT NULL,
	PRIMARY KEY (entity, version)
);

-- +goose Down
DROP TABLE optimist_pending, optimist_feed, optimist_heads, optimist_entities, optimist_contains, optimist_keys;
