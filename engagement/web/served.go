package web

import "github.com/optimist-go/optimist/engagement/wire"

// PageSize is the number of posts that are shown at first.
const PageSize = firstPage

// beginServed begins with the content that the server has put on the page: nothing of it is
// painted anew before the first visit begins. In a browser whose user was signing out when
// its last page was closed, the content goes at once.
func (a *App) beginServed() {
	if a.hooks.First == nil || a.hooks.Shared.Get(leavingKey) != "" {
		return
	}
	a.first = a.hooks.First
	a.resetLocked(a.first.Session.Name, "")
	a.dirty = dirt{posts: make(map[string]bool), header: true}
}

// takeServedLocked gives the first visit the posts that are on the page, if they were read as
// its user: the visit follows the feed from their position on. Otherwise they leave the page.
// It returns the actions from before the visit, which are for the same user only.
func (a *App) takeServedLocked(v *visit) (early []Action) {
	first, early := a.first, a.late
	if first == nil {
		return nil
	}
	a.first, a.late = nil, nil
	if first.Session.Name != v.user {
		if len(early) > 0 {
			a.tellLocked(&notice{Text: "Nothing was done with your first taps: somebody else is signed in now.", Grave: true})
		}
		a.tellLateLocked(early)
		return nil
	}
	v.base = a.openLocked(v, wire.Selection{}, &first.Page)
	v.loaded = v.base != nil // else attend reads them
	return early
}
