package web

import (
	"errors"
	"time"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/engagement/client"
	"github.com/optimist-go/optimist/event"
	"github.com/optimist-go/optimist/reason"
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
}

// openOps are the unsettled operations as they were at the last look, in the order in which they
// were accepted.
type openOps []*opStatus

// opsOf looks at the operations. Those that this page cannot restore are not shown.
func opsOf(handles []*optimist.Handle) (ops openOps) {
	for _, h := range handles {
		o := h.Snapshot()
		if o.State == optimist.Ended || o.Reason.Kind == reason.Quarantine {
			continue
		}
		status := statusOf(o)
		for _, earlier := range ops {
			if status.Text != "" && status.Comment != "" && earlier.Comment == status.Comment {
				earlier.Text = status.Text
			}
		}
		ops = append(ops, status)
	}
	return ops
}

func statusOf(o optimist.OpSnapshot) *opStatus {
	c := commentOf(o.Args)
	if o.Type == "delete_comment" {
		c.Text = "" // it is not the user's last word
	}
	s := &opStatus{
		ID: o.ID, Type: o.Type, Post: o.EntityID, Comment: c.ID, Text: c.Text, Calls: o.Calls, Reason: reasonOf(o.Err), Off: takesOff(o.Args),
	}
	if s.Text == "" {
		s.Text = postOfArgs(o.Args).Text
	}
	switch {
	case o.State == optimist.Parked:
		s.State = opFailed
	case o.State == optimist.InFlight, o.State == optimist.Acked:
		s.State = opSending
	case o.Err != nil:
		s.State = opRetrying
	}
	return s
}

// accepted notes an operation that may have ended before anybody looks.
func (ops *openOps) accepted(e optimist.Event) {
	if e.Kind == event.Accepted && ops.find(e.ID) == nil {
		*ops = append(*ops, statusOf(optimist.OpSnapshot{ID: e.ID, Type: e.Type, EntityID: client.PostOf(e.Entity), Args: e.Args}))
	}
}

func (ops openOps) find(id string) *opStatus {
	for _, o := range ops {
		if o.ID == id {
			return o
		}
	}
	return nil
}

func (ops openOps) of(post string) (its []*opStatus) {
	for _, o := range ops {
		if o.Post == post {
			its = append(its, o)
		}
	}
	return its
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
