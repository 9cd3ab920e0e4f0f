package web

import (
	"errors"
	"slices"
	"time"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/engagement/client"
)

// opState is the state of an unsettled operation, in the words of the page.
type opState uint8

const (
	opWaiting  opState = iota // for its debounce or its turn
	opSending                 // a call is under way
	opRetrying                // a call failed, the next one comes
	opFailed                  // the user has to decide
)

// opStatus is one unsettled operation.
type opStatus struct {
	ID      string
	Type    string
	Post    string // id
	Comment string // id, for the types about comments
	Text    string // the user's last text of the comment or of the post
	State   opState
	Calls   int
	Reason  string // of the last call's failure
	Off     bool   // it removes a mark
	number  int    // in the order in which they were accepted
}

// opTracker keeps the unsettled operations of each post. Events are its only source.
type opTracker struct {
	posts    map[string][]*opStatus // by entity; never an empty list
	accepted int                    // so far
}

func newOpTracker() *opTracker { return &opTracker{posts: make(map[string][]*opStatus)} }

func (t *opTracker) of(post string) []*opStatus { return t.posts[client.EntityOf(post)] }

func (t *opTracker) total() (n int) {
	for _, list := range t.posts {
		n += len(list)
	}
	return n
}

func (t *opTracker) observe(e optimist.Event) {
	switch e.Kind {
	case optimist.OpAccepted:
		c := commentOf(e.Args)
		t.accepted++
		list := append(t.posts[e.Entity], &opStatus{
			ID: e.ID, Type: e.Type, Post: postOf(e.Entity), Comment: c.ID, Text: postOfArgs(e.Args).Text, Off: takesOff(e.Args), number: t.accepted,
		})
		for _, o := range list {
			if c.Text != "" && o.Comment == c.ID {
				o.Text = c.Text // an edit may be merged into the operation before it
			}
		}
		t.posts[e.Entity] = list
	case optimist.OpSent:
		t.set(e, func(s *opStatus) { s.State, s.Calls = opSending, s.Calls+1 })
	case optimist.OpRetrying, optimist.OpDeferred:
		t.set(e, func(s *opStatus) { s.State, s.Reason = opRetrying, reasonOf(e.Err) })
	case optimist.OpParked:
		t.set(e, func(s *opStatus) { s.State, s.Reason = opFailed, reasonOf(e.Err) })
	case optimist.OpUnparked:
		t.set(e, func(s *opStatus) { s.State, s.Reason = opWaiting, "" })
	case optimist.OpSettled:
		list := slices.DeleteFunc(t.posts[e.Entity], func(s *opStatus) bool { return s.ID == e.ID })
		if t.posts[e.Entity] = list; len(list) == 0 {
			delete(t.posts, e.Entity)
		}
	}
}

func (t *opTracker) set(e optimist.Event, change func(*opStatus)) {
	for _, o := range t.posts[e.Entity] {
		if o.ID == e.ID {
			change(o)
		}
	}
}

func commentOf(args any) client.CommentArgs {
	switch a := args.(type) {
	case client.CommentArgs:
		return a
	case *client.CommentArgs:
		return *a
	}
	return client.CommentArgs{}
}

func postOfArgs(args any) client.PostArgs {
	switch a := args.(type) {
	case client.PostArgs:
		return a
	case *client.PostArgs:
		return *a
	}
	return client.PostArgs{}
}

// reasonOf returns an error in words for people; the error may be a restored one.
func reasonOf(err error) string {
	err = client.Recall(err)
	var refusal *client.Refusal
	var send *optimist.SendError
	switch {
	case err == nil:
		return ""
	case errors.As(err, &refusal):
		return refusal.Reason()
	case errors.Is(err, client.ErrUnreachable):
		return "no connection"
	case errors.As(err, &send) && send.Class == optimist.Unknown:
		return "the server did not answer"
	case errors.Is(err, optimist.ErrAbsent):
		return "the post was deleted"
	case errors.Is(err, client.ErrNoComment):
		return "the comment was deleted"
	}
	return "something went wrong"
}

// ago returns the age of a moment as a short text.
func ago(now time.Time, ms int64) string {
	const day = 24 * time.Hour
	switch d := now.Sub(time.UnixMilli(ms)); {
	case d < time.Minute:
		return "now"
	case d < time.Hour:
		return number(int(d/time.Minute)) + " min"
	case d < day:
		return number(int(d/time.Hour)) + " h"
	case d < 8*day:
		return number(int(d/day)) + " d"
	}
	return time.UnixMilli(ms).Format("2 Jan 2006")
}
