-- +goose Up
CREATE INDEX posts_liked ON posts (likes, id) WHERE deleted = FALSE;
CREATE INDEX posts_author ON posts (author, created_at, id) WHERE deleted = FALSE;
CREATE INDEX marks_saved ON marks (user_name, post_id) WHERE kind = 'save' AND is_on = TRUE;

-- +goose Down
DROP INDEX marks_saved;
DROP INDEX posts_author;
DROP INDEX posts_liked;
