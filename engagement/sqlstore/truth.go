package sqlstore

import (
	"context"
	"math"
	"slices"

	"github.com/optimist-go/optimist/engagement"
	"github.com/optimist-go/optimist/engagement/wire"
	"github.com/optimist-go/optimist/server"
)

// shared is the part of a post's truth that is the same for all.
type shared struct {
	Post     engagement.Post
	Comments []engagement.Comment
}

// own are a viewer's marks on a post.
type own struct{ Liked, Saved bool }

var truths = server.Truth[shared, own]{Read: readShared, Own: readOwn, View: view}

// readShared reads posts with their latest comments.
func readShared(ctx context.Context, q server.Query, ids []string) (map[string]shared, error) {
	posts, err := readPosts(ctx, q, selectSome, ids)
	if err != nil {
		return nil, err
	}
	return withComments(ctx, q, posts)
}

// readPosts reads posts with sql, whose arguments may contain lists.
func readPosts(ctx context.Context, q server.Query, sql string, args ...any) (posts []engagement.Post, err error) {
	sql, args = server.In(sql, args...)
	err = q.Query(ctx, func(scan server.Scan) error {
		post, err := scanPost(scan)
		posts = append(posts, post)
		return err
	}, sql, args...)
	return posts, err
}

// withComments returns the posts by id, with their latest comments.
func withComments(ctx context.Context, q server.Query, posts []engagement.Post) (map[string]shared, error) {
	found := make(map[string]shared, len(posts))
	for _, post := range posts {
		s := shared{Post: post}
		if post.Comments > 0 {
			var err error
			if s.Comments, _, err = comments(ctx, q, post.ID, 0, wire.MaxComments); err != nil {
				return nil, err
			}
		}
		found[post.ID] = s
	}
	return found, nil
}

// comments returns the latest comments with a number below before (0: any), oldest first.
func comments(ctx context.Context, q server.Query, post string, before int64, limit int) (list []engagement.Comment, more bool, err error) {
	if before == 0 {
		before = math.MaxInt64
	}
	err = q.Query(ctx, func(scan server.Scan) error {
		c, err := scanComment(scan)
		list = append(list, c)
		return err
	}, selectComments, post, before, limit+1)
	if err != nil {
		return nil, false, err
	}
	if more = len(list) > limit; more {
		list = list[:limit]
	}
	slices.Reverse(list)
	return list, more, nil
}

// readOwn reads the viewers' marks on the posts.
func readOwn(ctx context.Context, q server.Query, ids, viewers []string) (map[server.Own]own, error) {
	found := make(map[server.Own]own)
	sql, args := server.In(selectMarks, ids, viewers)
	err := q.Query(ctx, func(scan server.Scan) error {
		var mine server.Own
		var kind engagement.MarkKind
		if err := scan(&mine.Entity, &mine.Viewer, &kind); err != nil {
			return err
		}
		o := found[mine]
		o.Liked = o.Liked || kind == engagement.Like
		o.Saved = o.Saved || kind == engagement.Save
		found[mine] = o
		return nil
	}, sql, args...)
	return found, err
}

// view returns the state as package wire encodes it; nil when the post was deleted.
func view(s shared, o own) any {
	if s.Post.Deleted {
		return nil
	}
	return engagement.Truth{Post: s.Post, Liked: o.Liked, Saved: o.Saved, Comments: s.Comments}.State()
}
