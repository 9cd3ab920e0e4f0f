package web

import (
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

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
	textClass := "p.text"
	var all *Node
	if isLong(p.Text) {
		label := "Show less"
		if !m.UI.Whole {
			label = "Show more"
			textClass += " cut"
		}
		all = el("button.link all", []string{
			"data-act", "whole", "data-post", m.ID, "aria-expanded", strconv.FormatBool(m.UI.Whole),
			"aria-label", label + " of the post of " + p.Author,
		}, text(label)).with("all")
	}
	return el("article.post", []string{"aria-labelledby", "by-" + m.ID, "data-id", m.ID},
		el("header.byline", nil,
			avatar(p.Author),
			el("h2", []string{"id", "by-" + m.ID, "class", "author"},
				el("button.by", []string{"data-act", "by", "data-value", p.Author, "title", "Posts by " + p.Author}, text(p.Author))),
			moment(p.CreatedAt, m.Now),
			maybe(p.Author == m.User, el("button.link", []string{
				"data-act", "post-delete", "data-post", m.ID, "aria-label", "Delete your post " + shortened(p.Text),
			}, text("Delete")).with("own")),
		),
		el(textClass, nil, text(p.Text)),
		all,
		viewActions(m),
		// An element that is read aloud has to exist before its text.
		el("div", []string{"role", "status"}, maybe(m.UI.Notice != "", el("p.resolved", nil, icon("merge"), text(m.UI.Notice)))).with("resolved"),
		comments,
	)
}

// isLong reports whether a text is clamped: it has more lines than the clamp leaves, also on
// the widest screen.
func isLong(s string) bool {
	const width, most = 80, 10
	lines := 0
	for line := range strings.SplitSeq(s, "\n") {
		lines += 1 + utf8.RuneCountInString(line)/width
	}
	return lines > most
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
		el("button.button primary", []string{"type", "submit"}, text("Post")),
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
	"merge":    "M4 3.500c0 5 6 3.500 6 8.500M16 3.500c0 5-6 3.500-6 8.500M10 12v5M7 14.200l3 2.800 3-2.800",
	"signal":   "M2.500 8.200c4.200-4.300 10.800-4.300 15 0M5.200 11.200c2.700-2.700 6.900-2.700 9.600 0M7.900 14.100c1.200-1.200 3-1.200 4.200 0M10 16.700v.100",
	"lines":    "M4 5h12M4 10h12M4 15h7",
	"bars":     "M3 5h6M6 10h8M11 15h6",
	"close":    "M5 5l10 10M15 5 5 15",
}
