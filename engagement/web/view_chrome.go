package web

import (
	"strconv"

	"github.com/optimist-go/optimist/engagement/client"
	"github.com/optimist-go/optimist/engagement/wire"
)

// people are the names of the demo, to sign in with one tap.
var people = []string{"ada", "ines", "joao", "kofi", "mika", "noor", "tomas", "wren"}

func viewHeader(m chromeModel) *Node {
	words, class := standing(m)
	advice, step := nextStep(m)
	trouble := ""
	if class == "bad" { // screen readers need not read out each tap
		m.Pending = 0
		trouble, _ = standing(m)
		if advice != "" {
			trouble += ". " + advice
		}
	}
	return el("div.bar", nil,
		el("h1.brand", nil, text("engaged")),
		el("p.link-state "+class, nil,
			el("span.dot", []string{"aria-hidden", "true"}),
			el("span.said", nil, el("span.words", nil, text(words)), maybe(advice != "", el("span.advice", nil, text(advice)).with("advice"))),
			step),
		el("span.unseen", []string{"role", "status"}, text(trouble)),
		maybe(m.Risk != "", el("span.hint risk", []string{"title", m.Risk}, text("Not stored offline"), el("span.unseen", nil, text(". "+m.Risk+"."))).with("risk")),
		viewLabButton(m),
		maybe(m.User != "", el("span.me", nil, avatar(m.User),
			el("span.name", nil, text(m.User)),
			el("button.link", []string{"data-act", "sign-out", when(m.Leaving, "disabled"), ""}, text("Sign out"))).with("me")),
	)
}

// viewLabButton opens the panel and closes it, where it stands beside the feed.
func viewLabButton(m chromeModel) *Node {
	picture, label := "signal", "Network"
	if m.NoPanel {
		picture, label = "bars", "Operations"
	}
	return el("button.button plain", []string{
		"data-act", "lab", "aria-expanded", strconv.FormatBool(m.LabOpen), "aria-controls", "lab", "data-focus", "lab",
	}, icon(picture), text(label))
}

// viewTabs is for narrow pages, on which the feed and the panel are not side by side.
func viewTabs(m chromeModel) *Node {
	tab := func(name, panel, act, picture, label string, on bool, more *Node) *Node {
		index := "-1" // the arrows go to the other tab
		if on {
			index = "0"
		}
		return el("button.tab", []string{
			"role", "tab", "id", name, "data-focus", name, "aria-controls", panel, "aria-selected", strconv.FormatBool(on), "tabindex", index,
			"data-act", "lab", "data-value", act,
		}, icon(picture), text(label), more)
	}
	unsent := m.Pending + m.Failed
	return el("div.tab-list", []string{"role", "tablist", "aria-label", "Parts of the page"},
		tab("tab-feed", "feed-panel", "close", "lines", "Feed", !m.LabOpen, nil),
		tab("tab-lab", "lab", "open", "bars", "Operations", m.LabOpen,
			maybe(unsent > 0, el("span.badge", nil, text(number(unsent)), el("span.unseen", nil, text(" unsent"))).with("badge"))),
	)
}

// viewInvitation stands in the place of the panel while it is closed.
func viewInvitation(m chromeModel) *Node {
	words := "A tap shows at once, and its call leaves in its own time. Watch the calls, make the network bad, and tap on."
	if m.NoPanel {
		words = "A tap shows at once, and its call leaves in its own time. Watch the calls."
	}
	return el("section.card invitation", []string{"aria-labelledby", "invitation"},
		el("h2", []string{"id", "invitation"}, text("Behind each tap")),
		el("p.hint", nil, text(words)),
		el("button.button", []string{"data-act", "lab", "data-value", "show"}, icon("bars"), text("Show operations")))
}

// standing describes the connection to the server in a few words.
func standing(m chromeModel) (words, class string) {
	waiting := ""
	if m.Pending > 0 {
		waiting = ", " + number(m.Pending) + " unsent"
	}
	switch {
	case !m.Online:
		return "Offline" + waiting, "bad"
	case m.SignedOut:
		return "Signed out" + waiting, "bad"
	case m.Link == client.Broken || m.Paused:
		return "Reconnecting" + waiting, "bad"
	case m.Link == client.Connecting:
		return "Connecting" + waiting, "soon"
	case m.User == "":
		return "Connected", "good"
	case m.Failed > 0:
		return plural(m.Failed, "change") + " not saved", "bad"
	case m.Pending > 0:
		return "Saving " + plural(m.Pending, "change"), "soon"
	}
	return "All saved", "good"
}

// nextStep is the remedy for trouble: advice, or a button.
func nextStep(m chromeModel) (advice string, step *Node) {
	button := func(act, value, label string) *Node {
		return el("button.link step", []string{"data-act", act, when(value != "", "data-value"), value}, text(label)).with(act)
	}
	switch {
	case !m.Online && m.User == "":
		return "Read on", nil
	case !m.Online && m.Risk != "":
		return "Keep this page open", nil
	case !m.Online:
		return "Go on, it is sent later", nil
	case m.SignedOut:
		return "", button("go", "again", "Sign in")
	case m.Link == client.Broken || m.Paused:
		return "", button("try-now", "", "Try now")
	case m.Failed > 0 && m.Link != client.Connecting:
		return "", button("failed", "", "Show")
	}
	return "", nil
}

func viewSignIn(m signInModel) *Node {
	title, hint := "Who are you today?", "No password: this is a demo. Open a private window as someone else and watch both."
	first := people[0]
	if m.Again != "" {
		title, hint = "Sign in again", "Your session has expired. Sign in as "+m.Again+" to send your changes."
		first = m.Again
	}
	var names []*Node
	for _, name := range people {
		if name == first {
			continue
		}
		names = append(names, el("li", nil, el("button.person", []string{
			"data-act", "sign-in-as", "data-value", name, when(m.Busy, "disabled"), "",
		}, avatar(name), text(name))).with(name))
	}
	return el("section.card sign-in", []string{"aria-labelledby", "who"},
		el("h2", []string{"id", "who"}, text(title)),
		el("p.hint", nil, text(hint)),
		el("button.button primary again", []string{
			"data-act", "sign-in-as", "data-value", first, "data-focus", "again", when(m.Busy, "disabled"), "",
		}, text("Continue as "+first)).with("again"),
		el("ul.people", []string{"role", "list"}, names...),
		el("form.name-form", []string{"data-act", "sign-in"},
			el("label", []string{"for", "name"}, text("Or choose a name")),
			el("input", []string{
				"id", "name", "name", "text", "type", "text", "autocomplete", "username", "autocapitalize", "none", "spellcheck", "false",
				"maxlength", strconv.Itoa(wire.MaxName), "data-focus", "name", when(m.Problem != "", "aria-describedby"), "name-problem", when(m.Problem != "", "aria-invalid"), "true",
			}),
			el("button.button", []string{"type", "submit", when(m.Busy, "disabled"), ""}, text("Sign in")),
			maybe(m.Problem != "", el("p.problem", []string{"id", "name-problem", "role", "alert"}, text(m.Problem)).with("problem")),
		),
	)
}

// viewEnd is the view after the last post.
func viewEnd(m feedModel) *Node {
	switch {
	case m.Problem != "":
		return el("div.end", nil,
			el("p", []string{"role", "alert"}, text(m.Problem)),
			maybe(m.User != "", el("p.hint", nil, text("You can write all the same: it is sent later.")).with("writer")),
			el("button.button", []string{"data-act", "reload"}, text("Try again")))
	case m.Nobody:
		return el("div.end", nil, el("p.hint", nil, text("Sign in again to see the posts.")), viewGo("again", "Sign in"))
	case m.Local && m.Held != "":
		return el("div.end", nil, el("p.hint", nil, text(moreLater(m.Held))))
	case !m.Loaded:
		return el("div.loading", nil, el("p.unseen", nil, text("Loading…")), el("div.card ghost", nil), el("div.card ghost", nil), el("div.card ghost", nil))
	case m.Posts == 0:
		return el("div.end", nil, el("p.hint", nil, text(noPosts(m))), firstStep(m))
	case m.More:
		label := "More posts"
		switch {
		case m.Busy && m.Held != "":
			label = "Waiting for " + m.Held
		case m.Busy:
			label = "Loading…"
		}
		return el("div.end", nil, el("button.button", []string{
			"data-act", "more", when(m.Busy, "aria-disabled"), "true",
		}, text(label)))
	}
	return el("div.end", nil, el("p.hint", nil, text("No more posts.")), el("a.link", []string{"href", "#main"}, text("Back to the top")))
}

// viewGo goes to another part of the page.
func viewGo(to, label string) *Node {
	return el("button.button", []string{"data-act", "go", "data-value", to}, text(label))
}

func viewNotices(list []*notice) *Node {
	var rows []*Node
	for _, n := range list {
		class := "notice"
		if n.Grave {
			class += " grave"
		}
		rows = append(rows, el("li."+class, nil,
			el("div", nil,
				el("p", nil, text(n.Text)),
				maybe(n.Quote != "", el("blockquote", nil, text(n.Quote)).with("quote")),
			),
			maybe(n.Undo != nil, el("button.button", []string{
				"data-act", "undo", "data-value", number(n.ID), "data-focus", "notice-" + number(n.ID),
			}, text("Undo")).with("undo")),
			el("button.close", []string{"data-act", "notice-close", "data-value", number(n.ID), "aria-label", "Dismiss"}, icon("close")),
		).with(number(n.ID)))
	}
	return el("ul.notices", nil, rows...)
}
