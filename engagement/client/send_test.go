package client

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/engagement/wire"
)

// TestWhatAnswersMean: status, problem and body of an answer to an operation, with
// their class for the manager.
func TestWhatAnswersMean(t *testing.T) {
	const post = "0190b3e1-7a00-7000-8000-000000000001"
	theirs := &wire.Truth{ID: post, Version: 7, ChangedAt: 5, State: &wire.PostState{Post: wire.Post{ID: post}, Comments: []wire.Comment{}}}
	deleted := &wire.Truth{ID: post, Version: 8, ChangedAt: 5}
	winner := &wire.Winner{At: wire.NewStamp(9, 1), Client: "other"}
	const none = optimist.Class(0)
	problem := func(typ string, t *wire.Truth, w *wire.Winner) any {
		return wire.Problem{Type: "/problems/" + typ, Truth: t, Winner: w}
	}
	for _, c := range []struct {
		status  int
		body    any // JSON; a string goes as it is
		class   optimist.Class
		version uint64
		at      wire.Stamp
	}{
		{200, wire.Outcome{Truth: *theirs}, none, 7, wire.NewStamp(5, 0xffff)},
		{201, wire.Outcome{Truth: *theirs}, none, 7, wire.NewStamp(5, 0xffff)},
		{200, wire.Outcome{Truth: *deleted, Already: true}, none, 8, wire.NewStamp(5, 0xffff)},
		{200, "<html>Log in to this network</html>", optimist.Unknown, 0, 0},
		{200, `{"id":"` + post + `"}`, optimist.Unknown, 0, 0},
		{200, "", optimist.Unknown, 0, 0},
		{204, "", optimist.Unknown, 0, 0},
		{302, "", optimist.Permanent, 0, 0},

		{409, problem("in-progress", nil, nil), optimist.Overloaded, 0, 0},
		{409, problem("conflict", theirs, winner), optimist.Conflicting, 7, winner.At},
		{409, problem("conflict", theirs, nil), optimist.Permanent, 0, 0}, // an id that is taken
		{409, problem("conflict", nil, winner), optimist.Permanent, 0, 0},
		{409, "<html>", optimist.Permanent, 0, 0},
		{404, problem("not-found", theirs, nil), optimist.Conflicting, 7, wire.NewStamp(5, 0xffff)},
		{404, problem("not-found", nil, nil), optimist.Permanent, 0, 0},
		{404, "404 page not found", optimist.Permanent, 0, 0},
		{410, problem("gone", deleted, nil), optimist.Conflicting, 8, wire.NewStamp(5, 0xffff)},
		{410, "", optimist.Permanent, 0, 0},

		{400, problem("malformed", nil, nil), optimist.Permanent, 0, 0},
		{401, problem("unauthenticated", nil, nil), optimist.Unauthenticated, 0, 0},
		{403, problem("forbidden", nil, nil), optimist.Permanent, 0, 0},
		{408, problem("body-timeout", nil, nil), optimist.Unknown, 0, 0},
		{421, problem("misdirected", nil, nil), optimist.Transient, 0, 0},
		{422, problem("key-reused", theirs, nil), optimist.Permanent, 0, 0},
		{429, problem("rate-limited", nil, nil), optimist.Overloaded, 0, 0},
		{500, problem("internal", nil, nil), optimist.Transient, 0, 0},
		{502, "<html>", optimist.Unknown, 0, 0},
		{503, problem("overloaded", nil, nil), optimist.Overloaded, 0, 0},
		{504, "", optimist.Unknown, 0, 0},
	} {
		data, isText := c.body.(string)
		if !isText {
			encoded, err := json.Marshal(c.body)
			if err != nil {
				t.Fatal(err)
			}
			data = string(encoded)
		}
		truth, _, err := readOutcome(Response{Status: c.status, RetryAfter: 3 * time.Second, Body: []byte(data)})
		var send *optimist.SendError
		errors.As(err, &send)
		switch {
		case send == nil && (c.class != none || err != nil), send != nil && send.Class != c.class:
			t.Errorf("%d %s is %v, want class %v", c.status, data, err, c.class)
		case c.class == optimist.Overloaded && send.RetryAfter != 3*time.Second:
			t.Errorf("%d %s is to be tried again after %v", c.status, data, send.RetryAfter)
		case truth.Version != c.version || truth.At != optimist.Timestamp(c.at):
			t.Errorf("%d %s brings version %d of %v", c.status, data, truth.Version, truth.At)
		case c.version == 8 != (truth.Presence == optimist.Absent), c.version == 7 != (truth.Presence == optimist.Present):
			t.Errorf("%d %s brings a post that is %v", c.status, data, truth.Presence)
		}
		if send != nil && c.class != optimist.Unknown {
			var r *Refusal
			if !errors.As(err, &r) || r.Problem.Status != c.status {
				t.Errorf("%d %s: the refusal is %v", c.status, data, r)
			}
		}
	}
}

// TestWhatSilenceMeans: only who knows that nothing arrived may say so.
func TestWhatSilenceMeans(t *testing.T) {
	for err, class := range map[error]optimist.Class{
		ErrUnreachable: optimist.Offline,
		errors.Join(ErrUnreachable, errors.New("no route")): optimist.Offline,
		errors.New("the answer broke off"):                  optimist.Unknown,
		context.DeadlineExceeded:                            optimist.Unknown,
		context.Canceled:                                    optimist.Unknown,
	} {
		if got := classOfSilence(err); got != class {
			t.Errorf("%v is %v, want %v", err, got, class)
		}
	}
}

func TestRetryAfterOfARead(t *testing.T) {
	for _, c := range []struct {
		header time.Duration
		body   string
		want   time.Duration
	}{
		{0, ``, 0},
		{2 * time.Second, ``, 2 * time.Second},
		{2 * time.Second, `{"type":"x","retryAfterMs":1200}`, 1200 * time.Millisecond},
		{0, `{"type":"x","retryAfterMs":-5}`, 0},
		{0, `{"type":"x","retryAfterMs":99999999999}`, time.Hour},
	} {
		if got := retryAfter(refusalOf(Response{Status: 429, RetryAfter: c.header, Body: []byte(c.body)})); got != c.want {
			t.Errorf("%v and %s: %v, want %v", c.header, c.body, got, c.want)
		}
	}
}
