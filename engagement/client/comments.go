package client

import (
	"context"
	"errors"
	"time"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/engagement/wire"
	"github.com/optimist-go/optimist/reason"
)

// The types of operations on comments. They share their slots: one for each comment.
const (
	addType    = "comment"
	editType   = "edit_comment"
	deleteType = "delete_comment"
)

// CommentArgs are the arguments of an operation on a comment.
type CommentArgs struct {
	ID   string
	Text string // of a deletion, the text that is deleted, if it is known: for its undo
	// At is the time of writing on this device, in milliseconds since the Unix epoch. The
	// comment shows it until the server has told its own time.
	At int64
}

// Comments writes, edits and deletes the user's comments. A comment whose operation
// fails for good stays in view until the user retries, edits, discards or deletes it.
type Comments struct {
	service            *Service
	add, edit, discard *optimist.Action[Post, CommentArgs]
}

func newComments(s *Service, policy optimist.Policy) *Comments {
	policy.Failure, policy.Debounce.Wait = optimist.Park, optimist.NoDebounce
	slot := func(a CommentArgs) string { return a.ID }
	def := optimist.Mutation[Post, CommentArgs]{
		Family: "comment", Slot: slot, Policy: policy, Resolve: resolve[CommentArgs], Stored: stored[CommentArgs](),
		User:  func(CommentArgs) string { return s.user },
		Clone: func(a CommentArgs) CommentArgs { return a },
	}
	c := &Comments{service: s}

	def.Type = addType
	def.Apply = func(p Post, a CommentArgs) (Post, error) {
		return p.withComment(wire.Comment{ID: a.ID, PostID: p.ID, Author: s.user, Text: a.Text, CreatedAt: a.At}), nil
	}
	def.Send = func(ctx context.Context, call optimist.Call[CommentArgs]) (optimist.Truth[Post], error) {
		return sendComment(ctx, s, call, "PUT")
	}
	c.add = optimist.Register(s.posts, def)

	def.Guard = func(p Post, a CommentArgs) error { return c.mine(p, a.ID) }
	def.Type = editType
	def.Apply = func(p Post, a CommentArgs) (Post, error) { return orNoComment(p.withText(a.ID, a.Text)) }
	def.Send = func(ctx context.Context, call optimist.Call[CommentArgs]) (optimist.Truth[Post], error) {
		return sendComment(ctx, s, call, "PATCH")
	}
	c.edit = optimist.Register(s.posts, def)

	def.Type = deleteType
	def.Apply = func(p Post, a CommentArgs) (Post, error) { return orNoComment(p.withoutComment(a.ID)) }
	def.Send = func(ctx context.Context, call optimist.Call[CommentArgs]) (optimist.Truth[Post], error) {
		return sendComment(ctx, s, call, "DELETE")
	}
	def.Policy.Debounce = optimist.Debounce{Wait: Regret}
	def.Undo = c.again
	c.discard = optimist.Register(s.posts, def)
	c.fold()
	return c
}

// again writes a deleted comment anew, under another id: the server never takes the id of a
// deleted comment again.
func (c *Comments) again(u optimist.Undone[Post, CommentArgs]) optimist.Planned {
	text := u.Args.Text
	if was, ok := u.Before.Comment(u.Args.ID); ok {
		text = was.Text
	}
	if text == "" {
		return optimist.Planned{} // nobody knew it
	}
	now := time.Now()
	return c.add.Plan(u.Entity, CommentArgs{ID: newID(now), Text: text, At: now.UnixMilli()})
}

// text is the text of a comment as the user sees it; empty if it is not loaded.
func (c *Comments) text(post, id string) (text string) {
	if older := c.service.comment(nameOf(post, id)); older != nil {
		text = older.Text
	}
	p := c.service.Post(post).Value
	for _, change := range p.Beyond {
		if change.ID == id {
			text = change.Text
		}
	}
	if own, ok := p.Comment(id); ok {
		text = own.Text
	}
	return text
}

// fold registers the rules for two operations on a comment of which the first has not
// left yet. Without a rule the second operation replaces the first:
//
//	add  + edit   = add, with the edit's text
//	add  + delete = nothing, and no call
//	edit + edit   = the second edit
//	edit + delete = delete
func (c *Comments) fold() {
	// The errors of Merge are in Manager.Err, which New returns.
	optimist.Merge(c.add, c.edit, func(add, edit *CommentArgs) optimist.MergeRule {
		add.Text = edit.Text
		return optimist.TakeFirst
	})
	optimist.Merge(c.add, c.discard, func(_, _ *CommentArgs) optimist.MergeRule { return optimist.Annihilate })
}

var (
	// ErrNoComment says that the comment does not exist, or no longer exists.
	ErrNoComment = errors.New("there is no such comment")
	// ErrNothingFailed says that no operation on the comment waits for a decision of the
	// user.
	ErrNothingFailed = errors.New("nothing about this comment has failed")
)

func orNoComment(p Post, ok bool) (Post, error) {
	if !ok {
		return p, ErrNoComment
	}
	return p, nil
}

func (c *Comments) mine(p Post, id string) error {
	switch found, ok := p.Comment(id); {
	case !ok && p.Older == "":
		return ErrNoComment
	case ok && found.Author != c.service.user:
		return errors.New("only " + found.Author + " can change this comment")
	}
	return nil
}

// Add writes a comment and returns its id.
func (c *Comments) Add(ctx context.Context, post, text string) (id string, h *optimist.Handle, err error) {
	if err := wire.CheckText("text", text, wire.MaxCommentText); err != nil {
		return "", nil, err
	}
	now := time.Now()
	id = newID(now)
	h, err = c.execute(ctx, c.add, post, CommentArgs{ID: id, Text: text, At: now.UnixMilli()})
	return id, h, err
}

// Edit changes the text of a comment. A comment whose addition failed is sent again
// with the new text.
func (c *Comments) Edit(ctx context.Context, post, id, text string) (*optimist.Handle, error) {
	if err := wire.CheckText("text", text, wire.MaxCommentText); err != nil {
		return nil, err
	}
	return c.execute(ctx, c.edit, post, CommentArgs{ID: id, Text: text})
}

// Delete deletes a comment. The deletion leaves after [Regret], or with [Comments.SendDeletions];
// until then the handle's Undo undoes it without a trace, and later by writing the comment anew.
// For a comment that was never sent to the server there is no call.
func (c *Comments) Delete(ctx context.Context, post, id string) (*optimist.Handle, error) {
	return c.execute(ctx, c.discard, post, CommentArgs{ID: id, Text: c.text(post, id)})
}

// SendDeletions lets the deletions of comments on a post leave at once, for later operations on
// the post would wait with them.
func (c *Comments) SendDeletions(post string) {
	for _, h := range c.service.posts.Operations(post) {
		if h.Type() == deleteType {
			h.SendNow() // an error says that it has left already
		}
	}
}

func (c *Comments) execute(ctx context.Context, action *optimist.Action[Post, CommentArgs], post string, a CommentArgs) (*optimist.Handle, error) {
	if err := c.service.mayAct(); err != nil {
		return nil, err
	}
	return action.Execute(ctx, post, a)
}

// Retry sends the failed operation on a comment again.
func (c *Comments) Retry(id string) error {
	return c.decide(id, (*optimist.Handle).Retry)
}

// Discard gives up the failed operation on a comment: a comment that could not be
// added disappears, and a comment that could not be edited or deleted shows its old
// text.
func (c *Comments) Discard(id string) error {
	return c.decide(id, (*optimist.Handle).Discard)
}

// decide makes the decision about the failed operation, for which the later ones wait. The
// slot of an operation on a comment is the comment's id.
func (c *Comments) decide(id string, decision func(*optimist.Handle) error) error {
	for _, h := range c.service.manager.Operations() {
		o := h.Snapshot()
		if o.State != optimist.Parked || o.Reason.Kind == reason.Quarantine || o.Slot != id {
			continue
		}
		switch o.Type {
		case addType, editType, deleteType:
			return decision(h)
		}
	}
	return ErrNothingFailed
}
