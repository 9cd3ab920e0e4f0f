package client

import (
	"errors"
	"strconv"
	"strings"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/engagement/wire"
)

// Refusal is an error answered by the server.
type Refusal struct{ Problem wire.Problem }

// refused begins the text of a Refusal. The status and the type of the problem follow,
// then a colon and the reason.
const refused = "refused "

// Error returns a text from which [Recall] can restore the error.
func (r *Refusal) Error() string {
	return refused + strconv.Itoa(r.Problem.Status) + " " + r.Problem.Type + ": " + r.Reason()
}

// Reason returns the reason of the refusal, in words for people.
func (r *Refusal) Reason() string {
	if r.Problem.Detail != "" {
		return r.Problem.Detail
	}
	return "the server answered with status " + strconv.Itoa(r.Problem.Status)
}

// Recall restores an error of which a journal has kept only the text, if this package or
// the library made it: the reason why a restored operation had failed. Any other error
// is returned unchanged.
func Recall(err error) error {
	var refusal *Refusal
	var send *optimist.SendError
	if err == nil || errors.As(err, &refusal) || errors.As(err, &send) {
		return err
	}
	text := err.Error()
	if _, rest, ok := strings.Cut(text, refused); ok {
		code, reason, _ := strings.Cut(rest, ": ")
		status, problem, _ := strings.Cut(code, " ")
		if n, err := strconv.Atoi(status); err == nil {
			return &Refusal{wire.Problem{Status: n, Type: problem, Detail: reason}}
		}
	}
	for _, known := range []error{ErrUnreachable, ErrNoComment, optimist.ErrAbsent} {
		if strings.Contains(text, known.Error()) {
			return known
		}
	}
	if strings.HasPrefix(text, optimist.Unknown.String()) {
		return optimist.Fail(optimist.Unknown, err)
	}
	return err
}
