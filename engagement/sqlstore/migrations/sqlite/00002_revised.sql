-- +goose Up

ALTER TABLE posts ADD COLUMN revised BIGINT NOT NULL DEFAULT 0;

-- +goose Down

ALTER TABLE posts DROP COLUMN revised;
