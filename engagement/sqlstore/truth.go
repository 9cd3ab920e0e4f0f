package sqlstore

import (
	"context"
	"math"
	"slices"
	"strconv"
	"strings"

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
	found := make(map[string]shared, len(ids))
	for _, id := range ids {
		err := q.Query(ctx, func(scan server.Scan) error {
			post, err := scanPost(scan)
			found[id] = shared{Post: post}
			return err
		}, selectPost, id)
		if err != nil {
			return nil, err
		}
	}
	return found, withComments(ctx, q, found)
}

// withComments adds the latest comments to those that have some.
func withComments(ctx context.Context, q server.Query, found map[string]shared) error {
	for id, s := range found {
		if s.Post.Comments == 0 {
			continue
		}
		var err error
		if s.Comments, _, err = comments(ctx, q, id, 0, wire.MaxComments); err != nil {
			return err
		}
		found[id] = s
	}
	return nil
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
	for viewers := range slices.Chunk(viewers, 500) { // databases bound the parameters of a statement
		args := make([]any, 1, len(viewers)+1)
		for _, v := range viewers {
			args = append(args, v)
		}
		query := selectMarks + parameters(2, len(viewers))
		for _, id := range ids {
			args[0] = id
			err := q.Query(ctx, func(scan server.Scan) error {
				var viewer, kind string
				if err := scan(&viewer, &kind); err != nil {
					return err
				}
				mine := server.Own{Entity: id, Viewer: viewer}
				o := found[mine]
				o.Liked = o.Liked || kind == string(engagement.Like)
				o.Saved = o.Saved || kind == string(engagement.Save)
				found[mine] = o
				return nil
			}, query, args...)
			if err != nil {
				return nil, err
			}
		}
	}
	return found, nil
}

// parameters returns "($first, …)" with n parameters.
func parameters(first, n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(", $" + strconv.Itoa(first+i))
	}
	return "(" + strings.TrimPrefix(b.String(), ", ") + ")"
}

// view is the state as it is on the wire; nil when the post was deleted.
func view(s shared, o own) any {
	if s.Post.Deleted {
		return nil
	}
	return engagement.Truth{Post: s.Post, Liked: o.Liked, Saved: o.Saved, Comments: s.Comments}.State()
}
