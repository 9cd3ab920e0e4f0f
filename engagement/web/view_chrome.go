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
	return el("div", []string{"class", "bar"},
		el("p", []string{"class", "brand"}, text("engaged")),
		el("p", []string{"class", "link-state " + class, "role", "status"},
			el("span", []string{"class", "dot", "aria-hidden", "true"}), el("span", []string{"class", "words"}, text(words))),
		maybe(m.Risk != "", func() *Node {
			return el("span", []string{"class", "hint risk", "title", m.Risk}, text("Not kept in this tab"), el("span", []string{"class", "unseen"}, text(". "+m.Risk+"."))).with("risk")
		}),
		el("button", []string{
			"type", "button", "class", "button plain", "data-act", "lab", "aria-expanded", strconv.FormatBool(m.LabOpen),
			"aria-controls", "lab", "data-focus", "lab",
		}, icon("wave"), text("Network")),
		maybe(m.User != "", func() *Node {
			return el("span", []string{"class", "me"}, avatar(m.User),
				el("span", []string{"class", "name"}, text(m.User)),
				el("button", []string{"type", "button", "class", "link", "data-act", "sign-out", when(m.Leaving, "disabled"), ""}, text("Sign out"))).with("me")
		}),
	)
}

// standing says in a few words how things stand with the server.
func standing(m chromeModel) (words, class string) {
	waiting := ""
	if m.Pending > 0 {
		waiting = ", " + plural(m.Pending, "change") + " kept"
	}
	switch {
	case !m.Online:
		return "Offline" + waiting, "bad"
	case m.SignedOut:
		return "Signed out" + waiting, "bad"
	case m.Link == client.Broken || m.Paused:
		return "Trying to reach the server" + waiting, "bad"
	case m.Link == client.Connecting:
		return "Connecting", "soon"
	case m.User == "":
		return "Connected", "good"
	case m.Failed > 0:
		return plural(m.Failed, "change") + " to decide on", "bad"
	case m.Pending > 0:
		return "Saving " + plural(m.Pending, "change"), "soon"
	}
	return "All saved", "good"
}

func viewSignIn(m signInModel) *Node {
	var names []*Node
	for _, name := range people {
		names = append(names, el("li", nil, el("button", []string{
			"type", "button", "class", "person", "data-act", "sign-in-as", "data-value", name, when(m.Busy, "disabled"), "",
		}, avatar(name), text(name))).with(name))
	}
	return el("section", []string{"class", "card sign-in", "aria-labelledby", "who"},
		el("h1", []string{"id", "who"}, text("Who are you today?")),
		el("p", []string{"class", "hint"}, text("No password: this is a demonstration. Open a second window as somebody else and watch both.")),
		el("ul", []string{"class", "people"}, names...),
		el("form", []string{"class", "name-form", "data-act", "sign-in"},
			el("label", []string{"for", "name"}, text("Or a name of your own")),
			el("input", []string{
				"id", "name", "name", "text", "type", "text", "autocomplete", "username", "autocapitalize", "none", "spellcheck", "false",
				"maxlength", strconv.Itoa(wire.MaxName), "data-focus", "name", when(m.Problem != "", "aria-describedby"), "name-problem",
			}),
			el("button", []string{"type", "submit", "class", "button", when(m.Busy, "disabled"), ""}, text("Sign in")),
			maybe(m.Problem != "", func() *Node {
				return el("p", []string{"class", "problem", "id", "name-problem", "role", "alert"}, text(m.Problem)).with("problem")
			}),
		),
	)
}

// viewEnd is what stands after the last post.
func viewEnd(m feedModel) *Node {
	switch {
	case m.Problem != "":
		return el("div", []string{"class", "end"},
			el("p", []string{"role", "alert"}, text(m.Problem)),
			el("button", []string{"type", "button", "class", "button", "data-act", "reload"}, text("Try again")))
	case !m.Loaded:
		return el("div", []string{"class", "end"}, el("p", []string{"class", "hint late"}, text("Loading the posts…")))
	case m.Posts == 0:
		return el("div", []string{"class", "end"}, el("p", []string{"class", "hint"}, text("Nobody has posted anything yet.")))
	case m.More:
		return el("div", []string{"class", "end"}, el("button", []string{
			"type", "button", "class", "button", "data-act", "more", when(m.Busy, "disabled"), "",
		}, text("More posts")))
	}
	return el("div", []string{"class", "end"}, el("p", []string{"class", "hint"}, text("That is all.")))
}

func viewNotices(list []notice) *Node {
	var rows []*Node
	for _, n := range list {
		class := "notice"
		if n.Grave {
			class += " grave"
		}
		rows = append(rows, el("li", []string{"class", class},
			el("div", nil,
				el("p", nil, text(n.Text)),
				maybe(n.Quote != "", func() *Node { return el("blockquote", nil, text(n.Quote)).with("quote") }),
			),
			el("button", []string{"type", "button", "class", "close", "data-act", "notice-close", "data-value", number(n.ID), "aria-label", "Close this message"}, icon("close")),
		).with(number(n.ID)))
	}
	return el("ul", []string{"class", "notices"}, rows...)
}
