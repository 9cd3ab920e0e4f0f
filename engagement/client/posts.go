package client

import (
	"context"
	"errors"
	"time"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/engagement/wire"
)

// Regret is the time for which a deletion of a post or of a comment waits before it leaves. Within this
// time it can be cancelled, and the server never learns of it.
const Regret = 6 * time.Second

// PostArgs are the arguments of an operation on a post as a whole.
type PostArgs struct {
	ID   string
	Text string // empty to delete
	// At is the time of writing on this device, in milliseconds since the Unix epoch. The
	// post shows it until the server has told its own time.
	At int64
}

// Posts writes posts and deletes the user's own. Other users never see a post that is
// deleted before it left, nor the operations on such a post.
type Posts struct {
	service        *Service
	write, discard *optimist.Action[Post, PostArgs]
}

const deletePostType = "delete_post"

// ErrNotYours says that only its author can delete a post.
var ErrNotYours = errors.New("only its author can delete a post")

func newPosts(s *Service) *Posts {
	def := optimist.Mutation[Post, PostArgs]{
		Family: "post", Slot: func(PostArgs) string { return "post" }, Resolve: resolve[PostArgs], Stored: stored[PostArgs](),
		User:  func(PostArgs) string { return s.user },
		Clone: func(a PostArgs) PostArgs { return a },
	}
	p := &Posts{service: s}

	def.Type, def.Kind = "post", optimist.Create
	def.Policy.Debounce = optimist.Debounce{Wait: optimist.NoDebounce}
	def.Apply = func(p Post, a PostArgs) (Post, error) {
		p.ID, p.Author, p.Text, p.CreatedAt, p.Unsent = a.ID, s.user, a.Text, a.At, true
		return p, nil
	}
	def.Send = func(ctx context.Context, call optimist.Call[PostArgs]) (optimist.Truth[Post], error) {
		return operate(ctx, s, call.ID, call.Number, "POST", "/v1/posts", wire.NewPost{
			Change: wire.Change{At: wire.Stamp(call.At), Client: call.ClientID}, ID: call.Args.ID, Text: call.Args.Text,
		})
	}
	p.write = optimist.Register(s.posts, def)

	def.Type, def.Kind = deletePostType, optimist.Delete
	def.Policy.Debounce = optimist.Debounce{Wait: Regret}
	def.Apply = nil
	def.Guard = func(p Post, _ PostArgs) error {
		if p.Author != s.user {
			return ErrNotYours
		}
		return nil
	}
	def.Send = func(ctx context.Context, call optimist.Call[PostArgs]) (optimist.Truth[Post], error) {
		return operate(ctx, s, call.ID, call.Number, "DELETE", "/v1/posts/"+call.Args.ID, wire.Change{At: wire.Stamp(call.At), Client: call.ClientID})
	}
	p.discard = optimist.Register(s.posts, def)
	return p
}

// Write writes a post and returns its id.
func (p *Posts) Write(ctx context.Context, text string) (id string, h *optimist.Handle, err error) {
	if err := p.service.mayAct(); err != nil {
		return "", nil, err
	}
	if err := wire.CheckText("text", text, wire.MaxPostText); err != nil {
		return "", nil, err
	}
	now := time.Now()
	id = newID(now)
	h, err = p.write.Execute(ctx, id, PostArgs{ID: id, Text: text, At: now.UnixMilli()})
	return id, h, err
}

// Delete deletes a post of the user. The deletion leaves after [Regret]; until then the
// handle's Cancel undoes it without a trace. When the post itself had not left, the
// returned handle has ended already.
func (p *Posts) Delete(ctx context.Context, post string) (*optimist.Handle, error) {
	if err := p.service.mayAct(); err != nil {
		return nil, err
	}
	return p.discard.Execute(ctx, post, PostArgs{ID: post})
}

// Undelete undoes a deletion that has not left yet. Later it fails with
// [optimist.ErrSettled].
func (p *Posts) Undelete(post string) error {
	for _, h := range p.service.posts.Operations(post) {
		if h.Type() == deletePostType && h.State() == optimist.Waiting {
			return h.Cancel()
		}
	}
	return optimist.ErrSettled
}
