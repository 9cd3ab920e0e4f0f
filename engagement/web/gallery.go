package web

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/engagement/client"
	"github.com/optimist-go/optimist/engagement/wire"
	"github.com/optimist-go/optimist/list"
)

// Gallery returns a page with every state of the views, from hand-made data.
func Gallery() string { return document("Gallery", gallery()) }

func gallery() *Node {
	now := time.Date(2026, 5, 4, 18, 30, 0, 0, time.UTC)
	var parts []*Node
	show := func(title string, nodes ...*Node) {
		name := "exhibit-" + number(len(parts))
		for _, n := range nodes {
			if n != nil {
				apart(n, name, title)
			}
		}
		parts = append(parts, el("section.exhibit", nil, append([]*Node{el("h2.exhibit-title", []string{"id", name}, text(title))}, nodes...)...))
	}
	for i, x := range galleryChrome() {
		bar := el("header.top", nil, viewHeader(x.model)).with(number(i))
		if x.model.LabOpen { // the button names the panel's id
			show("Bar: "+x.title, bar, el("div.lab", []string{"id", "lab"}))
			continue
		}
		show("Bar: "+x.title, bar)
	}
	for _, x := range galleryTabs() {
		show("Tabs: "+x.title, el("div.tabs", nil, viewTabs(x.model)),
			el("div", []string{"role", "tabpanel", "id", "feed-panel", "aria-labelledby", "tab-feed"}), el("div", []string{"role", "tabpanel", "id", "lab", "aria-labelledby", "tab-lab"}))
		show("Beside the feed: "+x.title, el("aside.lab", []string{"aria-label", "Invitation"}, viewInvitation(x.model)))
	}
	for _, x := range galleryPosts(now) {
		x.model.ID = "gallery-" + strconv.Itoa(len(parts))
		show("Post: "+x.title, el("div.feed", nil, viewPost(x.model)))
	}
	for _, x := range galleryWrite() {
		show("Write: "+x.title, viewWrite(x.model))
	}
	for _, x := range galleryKept() {
		show("Unsent: "+x.title, viewKept(x.model))
	}
	for _, x := range gallerySignIn() {
		show("Who are you: "+x.title, viewSignIn(x.model))
	}
	for _, x := range galleryLab(now) {
		show("Lab: "+x.title, el("aside.lab", []string{"aria-label", "Lab"}, viewLab(x.model)))
	}
	show("A server that still compiles", starting().Kids...)
	show("A server that could not", missing(errors.New("the Go toolchain is not in the path")).Kids...)
	show("Notices", viewNotices(galleryNotices()))
	for _, x := range galleryViews() {
		show("Choice of posts: "+x.title, viewViews(x.model))
	}
	for _, x := range galleryEnd() {
		show("End of the feed: "+x.title, viewEnd(x.model))
	}
	return el("main.gallery", nil, parts...)
}

// apart makes the ids and the names of landmarks in an exhibit unique: on the real page
// there is one of each.
func apart(n *Node, exhibit, title string) {
	landmark := n.Tag == "section" || n.Tag == "aside"
	for i := range n.Attrs {
		switch a := &n.Attrs[i]; a.Name {
		case "id", "for", "aria-describedby", "aria-controls":
			a.Value += "-" + exhibit
		case "aria-labelledby":
			if a.Value += "-" + exhibit; landmark {
				a.Value += " " + exhibit
			}
		case "aria-label":
			if landmark {
				a.Value += ", " + title
			}
		}
	}
	for _, k := range n.Kids {
		apart(k, exhibit, title)
	}
}

// Missing returns the page of a server without a client program.
func Missing(why error) string {
	if why == nil {
		why = errors.New("it was not asked to")
	}
	return document("engaged", missing(why))
}

func missing(why error) *Node {
	return el("main.gallery", nil, el("section.card", nil,
		el("h1", nil, text("The page is not built")),
		el("p", nil, text("The server runs and answers, but it could not compile its page.")),
		el("pre", nil, text(why.Error())),
		el("p", nil, text("Start engaged from a checkout of the repository, with the Go toolchain in the path."))))
}

// Starting returns the page of a server that still compiles its client. Its script shows
// the real page as soon as it is there.
func Starting() string {
	return document("engaged", starting(), el("script", []string{"src", "/starting.js", "defer", ""}))
}

func starting() *Node {
	return el("main.gallery", nil, el("section.card starting", []string{"aria-labelledby", "starting"},
		el("h1", []string{"id", "starting"}, el("span.dot", []string{"aria-hidden", "true"}), text("Starting")),
		el("p", nil, text("The server runs, and compiles its page. The first time this takes a minute, later a second.")),
		el("p.hint", nil, text("The page opens by itself when it is ready."))),
	)
}

func document(title string, body *Node, more ...*Node) string {
	head := el("head", nil, append([]*Node{
		el("meta", []string{"charset", "utf-8"}),
		el("meta", []string{"name", "viewport", "content", "width=device-width, initial-scale=1"}),
		el("meta", []string{"name", "color-scheme", "content", "light dark"}),
		el("title", nil, text(title)),
		el("link", []string{"rel", "icon", "href", "/favicon.svg", "type", "image/svg+xml"}),
		el("link", []string{"rel", "stylesheet", "href", "/style.css"}),
	}, more...)...)
	return "<!doctype html>\n" + strings.TrimSpace(el("html", []string{"lang", "en"}, head, el("body", nil, body)).HTML()) + "\n"
}

// exhibit is one state of a view.
type exhibit[M any] struct {
	title string
	model M
}

func galleryWrite() []exhibit[writeModel] {
	return []exhibit[writeModel]{
		{"nothing yet", writeModel{User: "ada"}},
		{"a text that cannot be", writeModel{User: "ada", Problem: "Your text must not be blank."}},
	}
}

func galleryKept() []exhibit[keptModel] {
	list := []*opStatus{
		{ID: "1", Type: "post", Text: "Written in the tunnel, for all who wait at the other end of it."},
		{ID: "2", Type: "comment", Text: "See you on Saturday!", State: opRetrying},
		{ID: "3", Type: "like", State: opSending},
		{ID: "4", Type: "save", Off: true},
	}
	failed := []*opStatus{{ID: "5", Type: "comment", Comment: "c", Text: "Never mind.", State: opFailed, Reason: "the post was deleted"}}
	return []exhibit[keptModel]{
		{"cut off", keptModel{Stored: true, Held: "network", Changes: list}},
		{"signed out", keptModel{Stored: true, Held: "sign-in", Changes: list[:1]}},
		{"on their way, not stored", keptModel{Changes: list[1:]}},
		{"failed", keptModel{Stored: true, Changes: failed}},
		{"none", keptModel{}},
	}
}

func gallerySignIn() []exhibit[signInModel] {
	return []exhibit[signInModel]{
		{"nobody yet", signInModel{}},
		{"again", signInModel{Again: "ada"}},
		{"on its way", signInModel{Busy: true}},
		{"a name that cannot be", signInModel{Problem: badName}},
	}
}

func galleryNotices() []*notice {
	return []*notice{
		{ID: 1, Text: "A newer change from another device replaced your like."},
		{ID: 2, Text: "Your post was deleted.", Undo: func() error { return nil }},
		{ID: 3, Text: "Your comment was not posted: the post was deleted.", Quote: "See you on Saturday!", Grave: true},
	}
}

func galleryViews() []exhibit[viewsModel] {
	total := list.Total{Known: true, Exact: true, N: 24}
	return []exhibit[viewsModel]{
		{"nobody", viewsModel{}},
		{"nobody, of one person", viewsModel{Of: wire.Selection{Author: "joao"}, Total: total}},
		{"all posts", viewsModel{User: "ada", Total: total}},
		{"saved, most liked first", viewsModel{User: "ada", Of: wire.Selection{Saved: true, Sort: wire.MostLiked}, Total: list.Total{Known: true, N: 1}}},
		{"one's own", viewsModel{User: "ada", Of: wire.Selection{Author: "ada"}, Total: total}},
		{"of one person", viewsModel{User: "ada", Of: wire.Selection{Author: "joao"}, Total: total}},
		{"offline", viewsModel{User: "ada", Of: wire.Selection{Saved: true}, Local: true}},
	}
}

func galleryEnd() []exhibit[feedModel] {
	return []exhibit[feedModel]{
		{"loading", feedModel{}},
		{"no posts", feedModel{Loaded: true, User: "ada"}},
		{"no posts, for nobody", feedModel{Loaded: true}},
		{"nothing saved", feedModel{Loaded: true, User: "ada", Of: wire.Selection{Saved: true}}},
		{"none of one's own", feedModel{Loaded: true, User: "ada", Of: wire.Selection{Author: "ada"}}},
		{"none by a person, most liked first", feedModel{Loaded: true, User: "ada", Of: wire.Selection{Author: "joao", Sort: wire.MostLiked}}},
		{"offline, with the posts that are here", feedModel{Posts: 3, Local: true, Held: "network"}},
		{"signed out, with the posts that are here", feedModel{User: "ada", Posts: 3, Local: true, Held: "sign-in"}},
		{"more posts when the network is back", feedModel{Loaded: true, Posts: 3, More: true, Busy: true, Held: "network"}},
		{"more posts", feedModel{Loaded: true, Posts: 3, More: true}},
		{"more posts on their way", feedModel{Loaded: true, Posts: 3, More: true, Busy: true}},
		{"no more posts", feedModel{Loaded: true, Posts: 3}},
		{"signed out", feedModel{Nobody: true}},
		{"no connection", feedModel{Problem: "The posts could not be loaded: no connection."}},
		{"no connection, for a user", feedModel{Problem: "The posts could not be loaded: no connection.", User: "ada"}},
	}
}

func galleryChrome() []exhibit[chromeModel] {
	base := chromeModel{User: "ada", Link: client.Live, Online: true}
	with := func(change func(*chromeModel)) chromeModel { m := base; change(&m); return m }
	return []exhibit[chromeModel]{
		{"all saved", base},
		{"saving", with(func(m *chromeModel) { m.Pending = 2 })},
		{"offline", with(func(m *chromeModel) { m.Online, m.Pending = false, 3 })},
		{"offline, nobody", with(func(m *chromeModel) { m.Online, m.User = false, "" })},
		{"offline, not stored", with(func(m *chromeModel) { m.Online, m.Pending, m.Risk = false, 1, nowhere })},
		{"the server does not answer", with(func(m *chromeModel) { m.Paused, m.Pending = true, 1 })},
		{"something to decide", with(func(m *chromeModel) { m.Failed = 1 })},
		{"signed out", with(func(m *chromeModel) { m.SignedOut, m.Pending = true, 1 })},
		{"connecting", with(func(m *chromeModel) { m.Link = client.Connecting })},
		{"the stream broke off", with(func(m *chromeModel) { m.Link = client.Broken })},
		{"signing out", with(func(m *chromeModel) { m.Leaving, m.Pending = true, 1 })},
		{"another tab stores the changes, panel open", with(func(m *chromeModel) { m.Risk, m.LabOpen = elsewhere, true })},
		{"nobody", with(func(m *chromeModel) { m.User = "" })},
		{"a server without a network panel", with(func(m *chromeModel) { m.NoPanel = true })},
	}
}

func galleryTabs() []exhibit[chromeModel] {
	return []exhibit[chromeModel]{
		{"the feed, three unsent", chromeModel{User: "ada", Pending: 2, Failed: 1}},
		{"the operations", chromeModel{User: "ada", LabOpen: true, NoPanel: true}},
	}
}

func galleryPosts(now time.Time) []exhibit[postModel] {
	at := func(d time.Duration) int64 { return now.Add(-d).UnixMilli() }
	said := func(id, author, words string, d time.Duration) wire.Comment {
		return wire.Comment{ID: id, Author: author, Text: words, CreatedAt: at(d)}
	}
	comments := []wire.Comment{
		said("c1", "noor", "Is the wooden bridge passable again?", 50*time.Minute),
		said("c2", "ada", "Yes, but walk the bike over it, two planks are loose. <b>Really.</b>", 20*time.Minute),
	}
	edited := said("c3", "ada", "The planks are new since this morning.", 5*time.Minute)
	edited.EditedAt = at(time.Minute)
	base := func(change func(*postModel, *client.Post)) postModel {
		p := client.Post{PostState: wire.PostState{Post: wire.Post{
			ID: "p", Author: "joao", Text: "Rode the ridge trail before work. Fog below, sun above, nobody there but two very confused sheep.",
			CreatedAt: at(3 * time.Hour), LikesCount: 4, SavesCount: 1, CommentsCount: 2,
		}, Comments: comments}}
		m := postModel{User: "ada", Now: now}
		change(&m, &p)
		m.View = optimist.View[client.Post]{Value: p, Presence: optimist.Present}
		return m
	}
	op := func(typ, comment string, state opState, reason string) []*opStatus {
		return []*opStatus{{ID: "o", Type: typ, Comment: comment, State: state, Reason: reason}}
	}
	return []exhibit[postModel]{
		{"settled", base(func(*postModel, *client.Post) {})},
		{"liked and saved", base(func(_ *postModel, p *client.Post) { p.Liked, p.Saved, p.LikesCount, p.SavesCount = true, true, 5, 2 })},
		{"one's own", base(func(_ *postModel, p *client.Post) { p.Author = "ada" })},
		{"one's own on its way", base(func(m *postModel, p *client.Post) {
			p.Author, p.LikesCount, p.SavesCount, p.CommentsCount, m.Ops = "ada", 0, 0, 0, op("post", "", opSending, "")
		})},
		{"like on its way", base(func(m *postModel, p *client.Post) { p.Liked, m.Ops = true, op("like", "", opSending, "") })},
		{"like tried again", base(func(m *postModel, p *client.Post) {
			p.Liked, m.Ops = true, op("like", "", opRetrying, "the server did not answer")
		})},
		{"like kept while offline", base(func(m *postModel, p *client.Post) {
			p.Liked, m.Held, m.Ops = true, "network", op("like", "", opWaiting, "")
		})},
		{"conflict resolved", base(func(m *postModel, _ *client.Post) {
			m.UI.Notice = "A newer change from another device replaced your like."
		})},
		{"comments", base(func(m *postModel, p *client.Post) {
			m.UI.Open, p.Comments, m.Older.More, p.CommentsCount = true, append(comments, edited), true, 53
		})},
		{"comment on its way", base(func(m *postModel, _ *client.Post) { m.UI.Open, m.Ops = true, op("comment", "c2", opRetrying, "") })},
		{"comment failed", base(func(m *postModel, _ *client.Post) {
			m.UI.Open, m.Ops = true, op("comment", "c2", opFailed, "the server is in trouble")
		})},
		{"comment failed, out of sight", base(func(m *postModel, _ *client.Post) {
			m.Ops = op("comment", "c2", opFailed, "the server is in trouble")
		})},
		{"edit failed", base(func(m *postModel, _ *client.Post) {
			m.UI.Open, m.Ops = true, op("edit_comment", "c2", opFailed, "the server did not answer")
		})},
		{"deletion failed", base(func(m *postModel, p *client.Post) {
			m.UI.Open, m.Ops, p.Comments = true, op("delete_comment", "c9", opFailed, "the server is in trouble"), comments[:1]
		})},
		{"comment kept while offline", base(func(m *postModel, _ *client.Post) {
			m.UI.Open, m.Held, m.Ops = true, "network", op("comment", "c2", opWaiting, "")
		})},
		{"comment refused at once", base(func(m *postModel, _ *client.Post) {
			m.UI.Open, m.UI.Problem = true, "Your text must not be blank."
		})},
		{"comments closed again", base(func(m *postModel, _ *client.Post) { m.UI.Opened = true })},
		{"older comments", base(func(m *postModel, p *client.Post) {
			m.UI.Open, p.CommentsCount = true, 54
			m.Older = client.OlderView{More: true, Comments: []wire.Comment{said("c0", "wren", "First!", 2*time.Hour)}}
		})},
		{"older comments on their way", base(func(m *postModel, p *client.Post) {
			m.UI.Open, p.CommentsCount, m.Older = true, 54, client.OlderView{More: true, Loading: true}
		})},
		{"older comments when there is a network", base(func(m *postModel, p *client.Post) {
			m.UI.Open, p.CommentsCount, m.Held, m.Older = true, 54, "network", client.OlderView{More: true, Loading: true}
		})},
		{"edit refused at once", base(func(m *postModel, _ *client.Post) {
			m.UI.Open, m.UI.Editing, m.UI.Problem = true, "c2", "Your text must not be blank."
		})},
		{"editing", base(func(m *postModel, _ *client.Post) { m.UI.Open, m.UI.Editing = true, "c2" })},
		{"signed out", base(func(m *postModel, _ *client.Post) { m.User, m.UI.Open = "", true })},
		{"long words", base(func(m *postModel, p *client.Post) {
			p.Text = strings.Repeat("Donaudampfschifffahrtsgesellschaft", 5) + "\n\nA second paragraph, with <script>alert(1)</script> in it."
		})},
		{"a long text", base(func(_ *postModel, p *client.Post) { p.Text = longText })},
		{"a long text, all of it", base(func(m *postModel, p *client.Post) { p.Text, m.UI.Whole = longText, true })},
	}
}

var longText = strings.Repeat("The ridge was still in the fog when the first rider came down, and nobody at the hut had thought that anyone would. ", 12)

func galleryLab(now time.Time) []exhibit[labModel] {
	from := func(s float64) time.Time { return now.Add(-time.Duration(s * float64(time.Second))) }
	work := labModel{
		Now: now, Names: func(string) string { return "joao" },
		Known: true,
		Network: wire.Network{
			Profile: "lossy", Rule: wire.NetworkRule{LatencyMs: 400, LoseRequest: 0.2, LoseAnswer: 0.1},
			Profiles: []wire.NetworkProfile{{Name: "clean"}, {Name: "slow"}, {Name: "mobile"}, {Name: "lossy"}, {Name: "flaky"}, {Name: "hostile"}, {Name: "offline"}},
		},
		Timeline: &timeline{last: now, total: totals{Taps: 14, Calls: 9, Saved: 8, Retries: 3, Conflicts: 1, Undone: 1}, lives: []*life{
			{ID: "1", Type: "like", Calls: 1, Outcome: optimist.Confirmed, Spans: []span{{"wait", from(8.8), from(8)}, {"flight", from(8), from(7.4)}}},
			{ID: "2", Type: "save", Calls: 3, Outcome: optimist.Confirmed, Spans: []span{
				{"wait", from(9), from(8.5)}, {"flight", from(8.5), from(8)}, {"retry", from(8), from(7)}, {"flight", from(7), from(6.5)},
				{"retry", from(6.5), from(4.5)}, {"flight", from(4.5), from(4)}}},
			{ID: "3", Type: "like", Taps: 9, Calls: 1, Outcome: optimist.Confirmed, Spans: []span{{"wait", from(6), from(5)}, {"flight", from(5), from(4.7)}}},
			{ID: "11", Type: "edit_comment", Calls: 1, Outcome: optimist.Superseded, Spans: []span{{"flight", from(7), from(6)}, {"retry", from(6), from(5)}}},
			{ID: "4", Type: "like", Calls: 4, Outcome: optimist.RolledBack, Spans: []span{{"flight", from(8), from(7)}, {"retry", from(7), from(3)}, {"flight", from(3), from(2)}}},
			{ID: "5", Type: "comment", Calls: 2, Spans: []span{{"flight", from(5), from(4)}, {"parked", from(4), time.Time{}}}},
			{ID: "7", Type: "save", Off: true, Calls: 1, Conflict: optimist.AlreadySo, Outcome: optimist.Confirmed, Spans: []span{{"flight", from(3), from(2.5)}}},
			{ID: "8", Type: "post", Calls: 1, Spans: []span{{"flight", from(4), from(3)}, {"paused", from(3), time.Time{}}}},
			{ID: "9", Type: "edit_comment", Outcome: optimist.Cancelled, Spans: []span{{"wait", from(3), from(2)}}},
			{ID: "10", Type: "save", Taps: 2, Outcome: optimist.Confirmed, Spans: []span{{"wait", from(2), from(1.7)}}},
			{ID: "6", Type: "like", Taps: 3, Spans: []span{{"wait", from(0.4), time.Time{}}}},
		}},
	}
	with := func(change func(*labModel)) labModel { m := work; change(&m); return m }
	idle := labModel{Now: now, Known: true, Network: work.Network, Timeline: &timeline{}, Names: work.Names}
	idle.Network.Profile, idle.Network.Rule = "clean", wire.NetworkRule{}
	return []exhibit[labModel]{
		{"at work", work},
		{"before anything", idle},
		{"offline", with(func(m *labModel) { m.Network.Profile, m.Network.Rule = "offline", wire.NetworkRule{Offline: true} })},
		{"not reached", with(func(m *labModel) { m.Problem = "The panel did not reach the server. Try it again." })},
		{"nobody is signed in", with(func(m *labModel) { m.Nobody = true })},
		{"nobody, before anything", labModel{Nobody: true, NoPanel: true, Timeline: &timeline{}, Now: now}},
		{"asking for the network", labModel{Timeline: &timeline{}, Now: now}},
		{"a server without a network panel", labModel{NoPanel: true, Timeline: &timeline{}, Now: now}},
	}
}
