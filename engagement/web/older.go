package web

import (
	"context"
	"slices"

	"github.com/optimist-go/optimist/engagement/client"
	"github.com/optimist-go/optimist/engagement/wire"
)

// olderComments are the comments before the latest ones, which are part of the post. They
// are as the server told them; shown applies the user's own unsettled changes.
type olderComments struct {
	Loaded bool   // a page of them was requested
	Busy   bool   // they are being read
	Cursor string // of the page before list; empty: no such page

	list    []wire.Comment // oldest first, up to the first comment of the post itself
	window  []wire.Comment // the comments of the post itself at the last look
	changes []client.CommentChange
	revised uint64 // the post's revision at the last look
	stale   bool   // the list has to be read anew
	wanted  int
}

// shown returns the older comments as the user sees them.
func (o *olderComments) shown(p client.Post) []wire.Comment {
	list := o.list
	for _, c := range p.Beyond {
		list = c.On(list)
	}
	return list
}

// follow keeps up with the post: comments that newer ones have pushed out of it become
// older ones, and when some were edited or deleted, all have to be read anew.
func (o *olderComments) follow(p client.Post) {
	if o.Loaded {
		o.take(p)
	}
	o.window, o.changes, o.revised = p.Told, p.Beyond, p.Revised
}

func (o *olderComments) take(p client.Post) {
	all, end := slices.Concat(o.list, o.window), 0
	if len(p.Told) > 0 {
		end = slices.IndexFunc(all, func(c wire.Comment) bool { return c.ID == p.Told[0].ID })
	}
	switch {
	case end < 0: // too many new comments: there is a gap between
		o.list, o.stale, o.wanted = nil, true, len(all)
	case p.Revised != o.revised:
		o.list, o.stale, o.wanted = all[:end], true, end
		for _, c := range o.changes { // the user's own changes are known without reading
			if !slices.Contains(p.Beyond, c) {
				o.list = c.On(o.list)
			}
		}
	default:
		o.list = all[:end]
	}
}

// begin records that the comments before the post's own comments are being read. The
// function that it returns takes them; follow handles changes of the post meanwhile.
func (o *olderComments) begin(p client.Post) (take func(list []wire.Comment, cursor string)) {
	o.Busy, o.stale = true, false
	return func(list []wire.Comment, cursor string) {
		o.Loaded, o.list, o.Cursor = true, list, cursor
		o.window, o.changes, o.revised = p.Told, p.Beyond, p.Revised
	}
}

// olderLocked shows one more page of a post's comments.
func (a *App) olderLocked(s *client.Service, post string, ui *postUI) {
	p, o := s.Post(post).Value, &ui.Older
	cursor, known := o.Cursor, o.list
	if !o.Loaded {
		cursor, known = p.Older, nil
	}
	switch {
	case o.stale:
		a.freshenLocked(post, ui)
		return
	case cursor == "" || o.Busy:
		return
	}
	take := o.begin(p)
	a.spawn(func(ctx context.Context) {
		page, err := s.OlderComments(ctx, post, cursor)
		a.mu.Lock()
		o.Busy, a.dirty.posts[post] = false, true
		if err != nil {
			a.tellLocked(&notice{Text: "Older comments could not be loaded: " + reasonOf(asSilence(err)) + "."})
		} else {
			take(append(page.Comments, known...), page.Older)
		}
		a.mu.Unlock()
		a.hooks.Wake()
	})
}

// freshenLocked reads a post's older comments anew when they have changed. If that fails,
// the next look at the post is another attempt.
func (a *App) freshenLocked(post string, ui *postUI) {
	o := &ui.Older
	if !o.stale || o.Busy || a.visit == nil {
		return
	}
	s, wanted := a.visit.service, o.wanted
	p := s.Post(post).Value
	take := o.begin(p)
	a.spawn(func(ctx context.Context) {
		var list []wire.Comment
		cursor, err := p.Older, error(nil)
		for cursor != "" && len(list) < wanted && err == nil {
			var page wire.CommentPage
			page, err = s.OlderComments(ctx, post, cursor)
			list, cursor = append(page.Comments, list...), page.Older
		}
		a.mu.Lock()
		if o.Busy, o.stale = false, err != nil; err == nil {
			take(list, cursor)
			a.dirty.posts[post] = true
		}
		a.mu.Unlock()
		if err == nil {
			a.hooks.Wake()
		}
	})
}
