package client

import (
	"context"
	"errors"
	"sync"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/engagement/wire"
	"github.com/optimist-go/optimist/list"
)

// Older are the comments of a post before those in its value. They are a list over a store of
// comments as the server told them; the user's unsettled changes of them are in Post.Beyond.
// Methods are safe for concurrent use.
type Older struct {
	service *Service
	post    string
	report  func(error)
	ctx     context.Context // of all reads
	stop    context.CancelFunc

	// mu guards the fields below it. The manager's lock is taken under it, never the other way
	// round.
	mu       sync.Mutex
	list     *list.List[Post] // newest first; it has the comments of the post's value as well
	names    map[string]bool  // of the entities that the store has for it
	last     latest           // the newest truth of the post
	busy     bool             // the program has asked for a page
	told     bool             // and was told that its read has failed
	stale    bool             // all have to be read anew
	hole     bool             // the list may lack some between the loaded ones and those in the post's value
	renewing bool             // renew runs
	fresh    *list.List[Post] // of renew; nil: none
	ended    bool
}

// latest is the part of a post's truth with which its older comments keep up.
type latest struct {
	version, era, revised uint64

	comments []wire.Comment // in the post's value
	all      bool           // there are no older ones
}

func latestOf(p *Post, version uint64) latest {
	return latest{version, p.Era, p.Revised, p.Told, p.Older == ""}
}

// OlderView is how older comments look at one moment. The zero OlderView is of a post that has
// none.
type OlderView struct {
	Comments []wire.Comment // oldest first, with the user's unsettled changes
	More     bool           // there are comments before them
	Loading  bool
}

// OlderComments has the older comments of a post, none of which is loaded yet. End it with
// [Older.Close]; another one for the same post ends it as well. report is called without any lock:
// with nil when a read has ended, and with the error when a page could not be read for which the
// program has asked; it is tried again, as Options.Policy says.
func (s *Service) OlderComments(post string, report func(error)) (*Older, error) {
	held := s.posts.Truth(post)
	o := &Older{service: s, post: post, report: report, last: latestOf(&held.Value, held.Version)}
	return o, o.open(o.last.version, o.last.comments, o.last.all)
}

// open begins with comments as of a version of the post. When the server has begun a new history
// since they were told, they are shown until they are read anew.
func (o *Older) open(version uint64, comments []wire.Comment, all bool) (err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	s := o.service
	s.mu.Lock()
	other := s.olders[o.post]
	s.olders[o.post] = o
	s.mu.Unlock()
	other.Close()
	o.names = make(map[string]bool)
	o.ctx, o.stop = context.WithCancel(context.Background())
	if o.list, err = o.begin(o.page(version, o.last.era, comments, all)); errors.Is(err, optimist.ErrNewEra) {
		o.stale = true
		o.list, err = o.begin(o.page(1, 0, comments, all)) // all to come are newer than 1
	}
	if err != nil {
		o.endLocked(true)
	}
	return err
}

func (o *Older) begin(first list.Page[Post]) (*list.List[Post], error) {
	o.notes(first.Rows)
	return list.New(o.service.comments, list.Query[Post]{
		Where: func(_ string, p Post) bool { return p.ID == o.post },
		Order: []list.Key[Post]{list.Desc(func(_ string, p Post) int64 { return p.Comments[0].Number })},
		Pages: o.read, First: &first,
	})
}

// notes keeps the names of rows that a list takes, if it is still open.
func (o *Older) notes(rows []list.Told[Post]) {
	for i := range rows {
		o.names[rows[i].ID] = true
	}
}

// nameOf names a comment in the store: its id alone may be of comments of several posts.
func nameOf(post, comment string) string { return post + "/" + comment }

// truth is a comment as the store of comments has it: its post with nothing but this comment,
// for a store and a list of another type would be the same code once more, 24 KB of the page. nil:
// it is gone. The version is the post's.
func (o *Older) truth(version, era uint64, c *wire.Comment) (t optimist.Truth[Post]) {
	t.Presence, t.Version, t.Era = optimist.Absent, version, era
	if c != nil {
		t.Presence, t.Value.ID = optimist.Present, o.post
		t.Value.Comments = make([]wire.Comment, 1)
		t.Value.Comments[0] = *c
	}
	return t
}

// page is a page of comments, oldest first, as a list takes it.
func (o *Older) page(version, era uint64, comments []wire.Comment, end bool) list.Page[Post] {
	page := list.Page[Post]{End: end, Rows: make([]list.Told[Post], len(comments))}
	for i := range comments {
		row, c := &page.Rows[len(comments)-1-i], &comments[i]
		row.ID, row.Truth = nameOf(o.post, c.ID), o.truth(version, era, c)
	}
	return page
}

// commentsOf are the comments of a list, oldest first.
func commentsOf(l *list.List[Post]) (all []wire.Comment, state list.State) {
	rows := l.Rows()
	all = make([]wire.Comment, rows.Len())
	for i, row := range rows.All() {
		all[len(all)-1-i] = row.View.Value.Comments[0]
	}
	return all, rows.State()
}

// read reads the page behind a comment; there is always one, because a list begins with a page.
func (o *Older) read(ctx context.Context, after list.After[Post], _ int) (list.Page[Post], error) {
	c := &after.Value.Comments[0]
	cursor := wire.Cursor{Order: c.Number, ID: c.ID}.String()
	got, err := read(ctx, o.service.transport, "GET", "/v1/posts/"+o.post+"/comments?limit=50&cursor="+cursor, nil, wire.DecodeCommentPage)
	if err == nil {
		err = o.service.meet(got.Position)
	}
	page := o.page(got.Version, eraOf(got.Position), got.Comments, got.Older == "")
	o.mu.Lock()
	tell := err != nil && o.busy && !o.told && ctx.Err() == nil
	o.told = o.told || tell
	o.notes(page.Rows)
	o.mu.Unlock()
	if tell {
		o.report(err)
	}
	return page, notRead(err)
}

// More begins to read the next page.
func (o *Older) More() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.ended && !o.list.Rows().State().Loading {
		o.busy, o.told = true, false
		o.renewLocked()
		o.list.More(ended)
		go o.more()
	}
}

// more waits for it. Its goroutine ends with the load, or with Close.
func (o *Older) more() {
	o.mu.Lock()
	var state list.State
	for l := (*list.List[Post])(nil); l != o.list && !o.ended; { // another list may take its place, and goes on
		l = o.list
		o.mu.Unlock()
		for s := range l.Watch(o.ctx) {
			if state = s.State; !state.Loading {
				break
			}
		}
		o.mu.Lock()
	}
	err := state.Failed
	if o.ended { // perhaps an heir goes on
		o.mu.Unlock()
		return
	}
	if o.busy = o.list.Rows().State().Loading; o.told { // the program may have asked for the next one
		err = nil
	}
	o.mu.Unlock()
	o.report(err)
}

// View is how the older comments of the post look, which looks as p itself. A nil Older has none
// loaded.
func (o *Older) View(p *Post) (v OlderView) {
	v.More = p.Older != ""
	if o == nil || !v.More {
		return v
	}
	o.mu.Lock()
	var state list.State
	v.Comments, state = commentsOf(o.list)
	v.More, v.Loading = state.More || o.hole, state.Loading || o.ended && o.busy || o.hole && o.renewing
	o.mu.Unlock()
	older := 0
	for older < len(v.Comments) && v.Comments[older].Number < p.Told[0].Number {
		older++
	}
	v.Comments = v.Comments[:older]
	for _, c := range p.Beyond {
		v.Comments = c.On(v.Comments)
	}
	return v
}

// Resume has the same comments in the Service that has taken the place of theirs, as far as they
// are loaded; see [Service.Move].
func (o *Older) Resume(next *Service) (*Older, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	heir := &Older{service: next, post: o.post, report: o.report, last: o.last, stale: o.stale || o.renewing, hole: o.hole}
	all, state := commentsOf(o.list)
	left := max(len(all)-mostResumed, 0)
	// Nobody knows any more as of which version each of them was; all to come are newer than 1.
	if err := heir.open(1, all[left:], left == 0 && !state.More); err != nil {
		return nil, err
	}
	if heir.renewAgain(); o.busy {
		heir.More()
	}
	return heir, nil
}

// Close ends the list and frees the comments. A second Close does nothing.
func (o *Older) Close() {
	if o != nil {
		o.end(true)
	}
}

// end ends the list, and frees the comments unless the Service ends as well.
func (o *Older) end(free bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.endLocked(free)
}

func (o *Older) endLocked(free bool) {
	if o.ended {
		return
	}
	o.ended = true
	o.stop()
	s := o.service
	s.mu.Lock()
	if s.olders[o.post] == o {
		delete(s.olders, o.post)
	}
	s.mu.Unlock()
	if o.list != nil {
		o.list.Close()
	}
	if o.fresh != nil {
		o.fresh.Close()
	}
	if free {
		o.forgetLocked()
	}
}

// forgetLocked frees all in the store that no list holds.
func (o *Older) forgetLocked() {
	for name := range o.names {
		if o.service.comments.Forget(name) {
			delete(o.names, name)
		}
	}
}
