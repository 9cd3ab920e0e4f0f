package web

import (
	"strconv"
	"strings"

	"github.com/optimist-go/optimist/engagement/wire"
)

// viewsLocked is the choice of posts.
func (a *App) viewsLocked() viewsModel {
	m := viewsModel{User: a.chrome.User}
	if f := a.shown; f != nil {
		m.Of, m.Local = f.of, f.known != nil && a.heldForLocked() != ""
		if f.begun {
			m.Total = f.state.Total
		}
	}
	return m
}

// chooseLocked shows other posts, or in another order.
func (a *App) chooseLocked(act Action) {
	if a.shown == nil {
		return
	}
	of := a.shown.of
	switch act.Name {
	case "view":
		of.Author, of.Saved = "", act.Value == "saved"
		if act.Value == "mine" {
			of.Author = a.chrome.User
		}
	case "by":
		if wire.CheckName("", act.Value) != nil {
			return
		}
		of.Author, of.Saved = act.Value, false
		a.focus = "views"
	case "sort":
		of.Sort, _ = wire.ParseSort(act.Value)
	}
	a.selectLocked(of)
}

// Place is the part of the page's address that says which posts are shown; empty: all, newest
// first. The action "place" goes to a place.
func (a *App) Place() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.placeLocked()
}

func (a *App) placeLocked() string {
	if a.shown == nil || a.place != "" {
		return a.place
	}
	return placeOf(a.shown.of)
}

// goLocked shows the posts of a place. A place that is only for a user waits for one. A word
// that is no place has no effect.
func (a *App) goLocked(place string) {
	switch of, ok := selectionAt(place); {
	case !ok:
	case of.Saved && a.chrome.User == "":
		a.place = place
	default:
		a.selectLocked(of)
	}
}

// placeOf is the place of a selection.
func placeOf(of wire.Selection) string {
	var words []string
	if of.Saved {
		words = append(words, "saved")
	}
	if of.Author != "" {
		words = append(words, "by="+of.Author) // checked: see CheckName
	}
	if of.Sort != wire.Newest {
		words = append(words, "sort="+string(of.Sort))
	}
	return strings.Join(words, "&")
}

// selectionAt is the selection of a place; ok is false for a word that [placeOf] does not write.
func selectionAt(place string) (of wire.Selection, ok bool) {
	for word := range strings.SplitSeq(place, "&") {
		name, value, _ := strings.Cut(word, "=")
		switch name {
		case "saved":
			of.Saved = true
		case "by":
			of.Author = value
		case "sort":
			of.Sort, _ = wire.ParseSort(value)
		}
	}
	return of, placeOf(of) == place && (of.Author == "" || wire.CheckName("", of.Author) == nil)
}

// showOwnLocked shows posts among which a new one of the user is the first.
func (a *App) showOwnLocked() {
	if of := a.shown; of != nil && (of.of != wire.Selection{Author: a.chrome.User}) {
		a.selectLocked(wire.Selection{})
	}
}

// viewViews has the buttons that choose posts and their order, and the number of posts.
func viewViews(m viewsModel) *Node {
	choice := func(act, value string, on bool, label ...*Node) *Node {
		return el("button.chip", []string{"data-act", act, "data-value", value, "aria-pressed", strconv.FormatBool(on)}, label...)
	}
	mine := m.User != "" && m.Of.Author == m.User
	var by *Node
	if m.Of.Author != "" && !mine {
		by = choice("view", "all", true, text("By "+m.Of.Author), icon("close")).with("by")
	}
	return el("div.views", nil,
		maybe(m.User != "" || by != nil, el("div.chips", []string{"role", "group", "aria-label", "Posts to show", "tabindex", "-1", "data-focus", "views"},
			choice("view", "all", m.Of.Author == "" && !m.Of.Saved, text("All")).with("all"),
			maybe(m.User != "", choice("view", "saved", m.Of.Saved, text("Saved")).with("saved")),
			maybe(m.User != "", choice("view", "mine", mine, text("Mine")).with("mine")),
			by,
		).with("which")),
		el("div.chips", []string{"role", "group", "aria-label", "Order of the posts"},
			choice("sort", "newest", m.Of.Sort == wire.Newest, text("Newest")).with("newest"),
			choice("sort", string(wire.MostLiked), m.Of.Sort == wire.MostLiked, text("Most liked")).with("likes"),
		).with("order"),
		el("p.hint", []string{"role", "status"}, text(totalWords(m))).with("total"),
	)
}

// totalWords says how many posts there are.
func totalWords(m viewsModel) string {
	switch {
	case m.Local:
		return "Posts already here"
	case !m.Total.Known:
		return ""
	case !m.Total.Exact:
		return "About " + plural(m.Total.N, "post")
	}
	return plural(m.Total.N, "post")
}

// noPosts says that a selection has none.
func noPosts(m feedModel) string {
	switch {
	case m.Of.Saved:
		return "Nothing saved yet. Tap the bookmark of a post to find it here."
	case m.Of.Author != "" && m.Of.Author == m.User:
		return "You have not written a post yet."
	case m.Of.Author != "":
		return "No posts by " + m.Of.Author + "."
	case m.User == "":
		return "No posts yet. Sign in, and write the first one."
	}
	return "No posts yet."
}

// firstStep leads to where a selection without posts gets its first; nil: nowhere.
func firstStep(m feedModel) *Node {
	switch {
	case m.Of.Saved || m.Of.Author != "" && m.Of.Author != m.User:
		return nil
	case m.User == "":
		return viewGo("name", "Sign in")
	}
	return viewGo("new-post", "Write the first one")
}

// moreLater says when the server can be asked for posts.
func moreLater(held string) string {
	if held == "sign-in" {
		return "More posts come when you sign in."
	}
	return "More posts come when the network is back."
}
