package web

import (
	"strconv"
	"strings"
	"time"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/engagement/wire"
)

func number(n int) string { return strconv.Itoa(n) }

// brief returns a count as a short text: 999, 1.2k, 34k.
func brief(n int) string {
	switch {
	case n < 1000:
		return number(n)
	case n < 10_000:
		return number(n/1000) + "." + number(n/100%10) + "k"
	}
	return number(n/1000) + "k"
}

// plural returns a text such as "1 like" or "2 likes".
func plural(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return number(n) + " " + one + "s"
}

func viewPost(m postModel) *Node {
	p := m.View.Value
	var comments *Node
	if m.UI.Open || m.UI.Opened {
		comments = viewComments(m).with("comments")
	}
	return el("article.post", []string{"aria-labelledby", "by-" + m.ID, "data-id", m.ID},
		el("header.byline", nil,
			avatar(p.Author),
			el("h2", []string{"id", "by-" + m.ID, "class", "author"}, text(p.Author)),
			moment(p.CreatedAt, m.Now),
			maybe(p.Author == m.User, el("button.link", []string{
				"data-act", "post-delete", "data-post", m.ID, "aria-label", "Delete your post " + shortened(p.Text),
			}, text("Delete")).with("own")),
		),
		el("p.text", nil, text(p.Text)),
		viewActions(m),
		// An element that is read aloud has to exist before its text.
		el("div", []string{"role", "status"}, maybe(m.UI.Notice != "", el("p.resolved", nil, icon("merge"), text(m.UI.Notice)))).with("resolved"),
		comments,
	)
}

// viewWrite is the card for writing a post.
func viewWrite(m writeModel) *Node {
	return el("form.card write", []string{"data-act", "post-add"},
		avatar(m.User),
		el("label.unseen", []string{"for", "new-post"}, text("Write a post")),
		el("textarea", []string{
			"id", "new-post", "name", "text", "rows", "1", "maxlength", number(wire.MaxPostText),
			"placeholder", "What’s new?", "data-focus", "new-post",
			when(m.Problem != "", "aria-describedby"), "problem-new-post", when(m.Problem != "", "aria-invalid"), "true",
		}),
		el("button.button", []string{"type", "submit"}, text("Post")),
		maybe(m.Problem != "", el("p.problem", []string{"id", "problem-new-post", "role", "alert"}, text(m.Problem)).with("problem")),
	)
}

// shortened returns the beginning of a text.
func shortened(s string) string {
	if r := []rune(s); len(r) > 30 {
		return string(r[:30]) + "…"
	}
	return s
}

func moment(ms int64, now time.Time) *Node {
	at := time.UnixMilli(ms)
	return el("time.when", []string{
		"datetime", at.UTC().Format(time.RFC3339), "title", at.Format("2 Jan 2006, 15:04"),
	}, text(ago(now, ms)))
}

// avatar shows the first letter of a name, in the name's colour.
func avatar(name string) *Node {
	hue := uint32(0)
	for _, r := range name {
		hue = hue*45 + uint32(r)
	}
	letter := "?"
	for _, r := range name {
		letter = string(r)
		break
	}
	return el("span", []string{"class", "avatar hue-" + number(int(hue>>16&7)), "aria-hidden", "true"}, text(letter))
}

func viewActions(m postModel) *Node {
	p := m.View.Value
	return el("div.actions", nil,
		action("like", m.ID, p.Liked, p.LikesCount, "Like", "like", "heart"),
		el("button.act talk", []string{
			"data-act", "comments", "data-post", m.ID,
			"aria-expanded", strconv.FormatBool(m.UI.Open), "aria-label", "Comments, " + plural(p.CommentsCount, "comment"),
		}, icon("bubble"), count(p.CommentsCount)),
		action("save", m.ID, p.Saved, p.SavesCount, "Save", "save", "bookmark"),
		viewStatus(m),
	)
}

func action(act, post string, on bool, n int, label, unit, picture string) *Node {
	class := "act " + act
	if on {
		class += " on"
	}
	return el("button."+class, []string{
		"data-act", act, "data-post", post,
		"aria-pressed", strconv.FormatBool(on), "aria-label", label + ", " + plural(n, unit),
	}, icon(picture), count(n))
}

// count shows a number beside its picture. Zero is not shown, but takes its place.
func count(n int) *Node {
	class := "count"
	if n == 0 {
		class = "count none"
	}
	return el("span."+class, []string{"aria-hidden", "true"}, text(brief(n)))
}

// viewStatus describes the unsettled operations of a post in a few quiet words. Settled
// operations are not mentioned.
func viewStatus(m postModel) *Node {
	words, class := "", "status"
	for _, o := range m.Ops {
		switch {
		case o.Comment != "" && o.State == opFailed && !m.UI.Open:
			words = "comment not saved"
		case o.Comment != "": // comments show their own status
		case m.Held != "":
			words = "waiting for " + m.Held
		case o.State == opRetrying || o.Calls > 1:
			words = "trying again"
		case words == "":
			words = "saving"
		}
	}
	switch words {
	case "saving":
		class += " late" // shown only after a while
	case "comment not saved":
		class += " bad"
	}
	return maybe(words != "", viewWay(words, class))
}

// viewWay describes the state of an operation. On narrow screens the reason of its wait
// is left out.
func viewWay(words, class string) *Node {
	short, more, _ := strings.Cut(words, " for")
	return el("span."+class, nil, el("span.dot", []string{"aria-hidden", "true"}),
		el("span", nil, text(short), maybe(more != "", el("span.more", nil, text(" for"+more))))).with("status")
}

// conflictNotice returns the notice of a resolved conflict.
func conflictNotice(e optimist.Event) string {
	what := map[string]string{"post": "post", "delete_post": "deletion", "like": "like", "save": "save", "comment": "comment", "edit_comment": "edit", "delete_comment": "deletion"}[e.Type]
	switch e.Resolution {
	case optimist.TookTheirs:
		return "A newer change from another device replaced your " + what + "."
	case optimist.AlreadySo:
		return ""
	case optimist.KeptMine, optimist.MergedBoth:
		return "This was changed elsewhere too. Your " + what + " is newer and stays."
	}
	return ""
}

// icon returns a drawing of 20 by 20.
func icon(name string) *Node {
	return el("svg.icon", []string{"viewBox", "0 0 20 20", "aria-hidden", "true", "focusable", "false"},
		el("path", []string{"d", icons[name]}))
}

var icons = map[string]string{
	"heart":    "M10 17.2C5.6 13.9 2.5 11.1 2.5 7.7 2.5 5.300 4.300 3.500 6.600 3.500c1.400 0 2.700.700 3.400 1.900.700-1.200 2-1.900 3.400-1.900 2.300 0 4.100 1.800 4.100 4.200 0 3.400-3.100 6.200-7.500 9.500z",
	"bookmark": "M5 3h10v14.500l-5-3.600-5 3.600z",
	"bubble":   "M10 3.200c4.300 0 7.500 2.700 7.500 6.200s-3.200 6.200-7.500 6.200c-.900 0-1.800-.100-2.600-.400L3.600 17l.900-3.200c-1.300-1.100-2-2.600-2-4.400 0-3.500 3.200-6.200 7.500-6.200z",
	"merge":    "M5 3v4c0 3 2 4 5 4s5 1 5 4v2M15 3v4c0 1.600-.6 2.700-1.600 3.300M12.500 14.500 15 17l2.500-2.500",
	"wave":     "M2 10h3l2.500-6 5 12L15 10h3",
	"close":    "M5 5l10 10M15 5 5 15",
}
