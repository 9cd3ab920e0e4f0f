//go:build !js

package web

import (
	"strings"
	"time"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/engagement/client"
	"github.com/optimist-go/optimist/engagement/wire"
	"github.com/optimist-go/optimist/list"
)

// Served is the content of the page, as markup, for a page that the server makes. It is
// made by the same functions as on the page itself, so that nothing moves when the client
// takes over.
type Served struct {
	Header, Tabs, Lab, SignIn, Write, Views, Feed, End string
}

// Serve returns the content with which a page begins.
func Serve(f wire.First, now time.Time) Served {
	user := f.Session.Name
	out := serveChrome(chromeModel{User: user, Online: true, NoPanel: !f.Network})
	if user == "" {
		out.SignIn = viewSignIn(signInModel{}).HTML()
	} else {
		out.Write = viewWrite(writeModel{User: user}).HTML()
	}
	end := feedModel{User: user, Loaded: true, More: f.Page.Next != ""}
	var feed strings.Builder
	for _, t := range f.Page.Posts {
		if t.State == nil {
			continue
		}
		end.Posts++
		post := client.Post{PostState: *t.State, Told: t.State.Comments}
		view := optimist.View[client.Post]{Value: post, Presence: optimist.Present, Version: t.Version}
		feed.WriteString(viewPost(postModel{ID: t.ID, User: user, View: view, Now: now}).HTML())
	}
	views := viewsModel{User: user}
	if f.Page.Total != nil {
		views.Total = list.Total{N: *f.Page.Total, Known: true, Exact: true}
	}
	out.Views = viewViews(views).HTML()
	out.Feed, out.End = feed.String(), viewEnd(end).HTML()
	return out
}

// ServeShell returns the content of a page without posts.
func ServeShell() Served {
	out := serveChrome(chromeModel{Online: true})
	out.Views, out.End = viewViews(viewsModel{}).HTML(), viewEnd(feedModel{}).HTML()
	return out
}

func serveChrome(m chromeModel) Served {
	return Served{Header: viewHeader(m).HTML(), Tabs: viewTabs(m).HTML(), Lab: viewInvitation(m).HTML()}
}
