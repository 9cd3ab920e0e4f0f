package client

import (
	"errors"
	"reflect"
	"testing"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/engagement/wire"
)

// TestRecall: a journal keeps only the text of an error, from which the program restores
// the error.
func TestRecall(t *testing.T) {
	gone := &Refusal{wire.Problem{Type: wire.ProblemGone, Status: 410, Detail: "the post was deleted: for good"}}
	bare := &Refusal{wire.Problem{Status: 502, Detail: "the server answered with status 502"}}
	for _, was := range []error{
		gone, bare, ErrUnreachable, ErrNoComment, optimist.ErrAbsent,
		optimist.Fail(optimist.Unknown, errors.New("the answer broke off")),
	} {
		for _, kept := range []error{was, optimist.Fail(optimist.Permanent, was), &optimist.OpError{Type: "comment", Entity: "post:p", Calls: 3, Err: was}} {
			var send *optimist.SendError
			if errors.As(was, &send) && kept != was {
				continue
			}
			got := Recall(errors.New(kept.Error()))
			var refusal *Refusal
			switch {
			case errors.As(was, &refusal):
				if !reflect.DeepEqual(got, was) {
					t.Errorf("%q is recalled as %#v", kept, got)
				}
			case send != nil:
				if !errors.As(got, &send) || send.Class != optimist.Unknown {
					t.Errorf("%q is recalled as %#v", kept, got)
				}
			case !errors.Is(got, was):
				t.Errorf("%q is recalled as %#v", kept, got)
			}
		}
	}
	if other := errors.New("refused to think"); Recall(other) != other || Recall(nil) != nil {
		t.Error("an error of others is not left as it is")
	}
}
