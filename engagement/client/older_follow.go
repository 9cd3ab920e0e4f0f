package client

import (
	"slices"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/engagement/wire"
)

// tellOlder has the older comments of a post keep up with its truth. It is called before the post
// takes the truth, so that the user's own change is in the comments before its operation settles,
// and no old text is to be seen between; and afterwards, for comments that were opened meanwhile,
// and because only then it is known whether the post is gone.
func (s *Service) tellOlder(post string, t *optimist.Truth[Post]) {
	s.mu.Lock()
	o := s.olders[post]
	s.mu.Unlock()
	if o == nil {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case t.Presence == optimist.Absent:
		if s.posts.Truth(post).Presence == optimist.Absent { // else newer truth has it
			o.endLocked(true)
		}
	case t.Presence == optimist.Present && !o.ended:
		o.takeLocked(latestOf(&t.Value, t.Version), t)
	}
}

func (o *Older) takeLocked(now latest, t *optimist.Truth[Post]) {
	was := &o.last
	if now.era < was.era || now.era == was.era && now.version <= was.version {
		return
	}
	page := make(map[string]optimist.Truth[Post])
	known := o.windowLocked(page, &now)
	known = o.ownLocked(page, t) || known
	if o.service.comments.ReceivePage(page) != nil { // more than a page may have
		o.stale = true
	}
	newest := int64(0)
	if n := len(was.comments); n > 0 {
		newest = was.comments[n-1].Number
	}
	o.hole = o.hole || !now.all && now.comments[0].Number > newest
	// A version that comes right after the one before is one change.
	explained := known && now.era == was.era && now.version == was.version+1
	o.stale = o.stale || o.hole || now.era != was.era || now.revised != was.revised && !explained
	o.last = now
	o.renewLocked()
}

// windowLocked writes to a page the truths of the comments in the post's value, and that the others
// from the first of them on are gone: a post's value has its latest comments without a hole. It reports
// whether one that was known is another now.
func (o *Older) windowLocked(page map[string]optimist.Truth[Post], now *latest) (known bool) {
	for i := range now.comments {
		c := &now.comments[i]
		name := nameOf(o.post, c.ID)
		o.names[name], page[name] = true, o.truth(now.version, now.era, c)
		held := o.service.comment(name)
		known = known || held != nil && *held != *c
	}
	listed, _ := commentsOf(o.list)
	for i := len(listed) - 1; i >= 0 && (now.all || listed[i].Number >= now.comments[0].Number); i-- {
		name := nameOf(o.post, listed[i].ID)
		if _, there := page[name]; !there {
			page[name], known = o.truth(now.version, now.era, nil), true
		}
	}
	return known
}

// ownLocked adds to a page the user's own changes of older comments that the truth contains. It
// reports whether there are any.
func (o *Older) ownLocked(page map[string]optimist.Truth[Post], t *optimist.Truth[Post]) (own bool) {
	for _, h := range o.service.posts.Operations(o.post) {
		if !slices.Contains(t.Contains, h.ID()) {
			continue
		}
		a, _ := h.Snapshot().Args.(CommentArgs)
		name := nameOf(o.post, a.ID)
		_, there := page[name]
		c := o.service.comment(name)
		switch typ := h.Type(); {
		case there || c == nil:
			continue
		case typ == deleteType:
			c = nil
		case typ == editType:
			edited := *c
			edited.Text, edited.EditedAt = a.Text, wire.Stamp(t.At).Milliseconds()
			c = &edited
		}
		page[name], own = o.truth(t.Version, t.Era, c), true
	}
	return own
}

// comment is an older comment as the server told it last; nil: it is not loaded.
func (s *Service) comment(name string) *wire.Comment {
	held := s.comments.Truth(name)
	if held.Presence != optimist.Present {
		return nil
	}
	return &held.Value.Comments[0]
}

// renewLocked begins to read the comments anew, if they have to be.
func (o *Older) renewLocked() {
	if o.stale && !o.renewing && !o.ended {
		o.renewing = true
		go o.renew()
	}
}

func (o *Older) renewAgain() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.renewLocked()
}

// renew reads as many comments anew as are loaded, in a list that then takes the place of the
// present one. If that fails, the next truth of the post, or More, is another attempt.
func (o *Older) renew() {
	err := error(nil)
	o.mu.Lock()
	for o.stale && !o.ended && err == nil {
		o.stale = false
		now := &o.last
		if o.fresh, err = o.begin(o.page(now.version, now.era, now.comments, now.all)); err != nil {
			break
		}
		for err == nil && !o.ended && o.behindLocked() {
			fresh := o.fresh
			o.mu.Unlock()
			err = fresh.More(o.ctx)
			o.mu.Lock()
		}
		switch {
		case o.ended:
		case err != nil:
			o.fresh.Close()
		default:
			if o.list.Rows().State().Loading {
				o.fresh.More(ended)
			}
			o.list.Close()
			o.list, o.hole = o.fresh, o.hole && o.stale
			o.forgetLocked()
		}
		o.fresh = nil
	}
	ended := o.ended
	o.renewing, o.stale = false, o.stale || err != nil || ended // an heir goes on
	o.mu.Unlock()
	if !ended {
		o.report(nil)
	}
}

// behindLocked reports whether fresh has to read more to be as far as the present list.
func (o *Older) behindLocked() bool {
	fresh, state := commentsOf(o.fresh)
	present, _ := commentsOf(o.list)
	return state.More && len(fresh) > 0 && len(present) > 0 && fresh[0].Number > present[0].Number
}
