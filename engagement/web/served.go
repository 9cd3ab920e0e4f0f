package web

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

// takeServedLocked gives the visit the posts that are on the page, if they were read as its
// user: the visit follows the feed from their position on. Otherwise they leave the page.
func (a *App) takeServedLocked(v *visit) {
	first := a.first
	a.first = nil
	if first == nil || first.Session.Name != v.user {
		return
	}
	feed, err := v.service.Take(first.Page)
	if err != nil {
		return // attend reads them
	}
	v.loaded, v.after = true, feed.After
	a.addPageLocked(v.service, feed)
}

// Early is an action on the content that the server has put on the page, from before the
// client was there.
type Early struct {
	User string // for whom the content was
	Action
}

// TakesEarly reports whether the first visit has begun with its posts: earlier, the App can
// carry out no early action.
func (a *App) TakesEarly() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.visit != nil && a.end.Loaded
}

// ActEarly carries out an early action like Act. If another user has come since, nothing is
// done, and the person is told.
func (a *App) ActEarly(early Early) (taken bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case a.phase == over:
		return false
	case early.User != a.chrome.User && early.Name != "sign-in" && early.Name != "sign-in-as":
		n := &notice{Text: "Nothing was done with your first tap: somebody else is signed in now."}
		if early.Name == "post-add" {
			n.Quote, n.Grave = early.Value, true
		}
		a.tellLocked(n)
		return true
	}
	return a.actLocked(early.Action)
}
