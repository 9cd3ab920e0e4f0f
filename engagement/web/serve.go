//go:build !js

package web

import (
	"strings"
	"time"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/engagement/client"
	"github.com/optimist-go/optimist/engagement/wire"
)

// Served is the content of the page, as markup, for a page that the server makes. It is
// made by the same functions as on the page itself, so that nothing moves when the client
// takes over.
type Served struct {
	Header, Tabs, Lab, SignIn, Write, Feed, End string
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
	end := feedModel{Writer: user != "", Loaded: true, More: f.Page.Next != ""}
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
	out.Feed, out.End = feed.String(), viewEnd(end).HTML()
	return out
}

// ServeShell returns the content of a page without posts.
func ServeShell() Served {
	out := serveChrome(chromeModel{Online: true})
	out.End = viewEnd(feedModel{}).HTML()
	return out
}

func serveChrome(m chromeModel) Served {
	return Served{Header: viewHeader(m).HTML(), Tabs: viewTabs(m).HTML(), Lab: viewInvitation(m).HTML()}
}
