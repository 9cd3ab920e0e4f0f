package wire

import "github.com/optimist-go/optimist/engagement/leanjson"

// The decoders below are the client's side. They ignore unknown fields, because a
// server may be newer than its client, but refuse an answer that would break the
// client's fold.

// DecodeTruth reads the answer to GET /v1/posts/{post} and the data of EventTruth.
func DecodeTruth(data []byte) (Truth, error) {
	var t Truth
	if err := decodeAnswer(data, &t); err != nil {
		return Truth{}, err
	}
	if err := t.check(); err != nil {
		return Truth{}, err
	}
	return t, nil
}

// DecodeOutcome reads the answer to an operation.
func DecodeOutcome(data []byte) (Outcome, error) {
	var o Outcome
	if err := decodeAnswer(data, &o); err != nil {
		return Outcome{}, err
	}
	if err := o.check(); err != nil {
		return Outcome{}, err
	}
	return o, nil
}

// DecodePage reads the answer to GET /v1/posts.
func DecodePage(data []byte) (Page, error) {
	var p Page
	if err := decodeAnswer(data, &p); err != nil {
		return Page{}, err
	}
	if err := p.check(); err != nil {
		return Page{}, err
	}
	return p, nil
}

// DecodeCommentPage reads the answer to GET /v1/posts/{post}/comments.
func DecodeCommentPage(data []byte) (CommentPage, error) {
	var p CommentPage
	if err := decodeAnswer(data, &p); err != nil {
		return CommentPage{}, err
	}
	if p.Version == 0 {
		return CommentPage{}, &MalformedError{"version", "is missing"}
	}
	if _, ok := ParsePosition(p.Position); !ok && p.Position != "" {
		return CommentPage{}, &MalformedError{"position", "is no position"}
	}
	if err := checkComments(p.Comments, p.Older); err != nil {
		return CommentPage{}, err
	}
	return p, nil
}

// DecodeSession reads the answer to /v1/session.
func DecodeSession(data []byte) (Session, error) {
	var s Session
	if err := decodeAnswer(data, &s); err != nil {
		return Session{}, err
	}
	return s, nil
}

// DecodeHello reads the data of EventHello and EventReset.
func DecodeHello(data []byte) (Hello, error) {
	var h Hello
	if err := decodeAnswer(data, &h); err != nil {
		return Hello{}, err
	}
	if _, ok := ParsePosition(h.After); !ok {
		return Hello{}, &MalformedError{"after", "is no position"}
	}
	return h, nil
}

// DecodeProblem reads the body of an error. A truth that cannot be used is left out.
func DecodeProblem(data []byte) (Problem, error) {
	var p Problem
	if err := decodeAnswer(data, &p); err != nil {
		return Problem{}, err
	}
	if p.Type == "" {
		return Problem{}, &MalformedError{"type", "is missing"}
	}
	if p.Truth != nil && p.Truth.check() != nil {
		p.Truth = nil
	}
	return p, nil
}

func decodeAnswer(data []byte, into any) error {
	if err := leanjson.Unmarshal(data, into); err != nil {
		return &MalformedError{"", "is not the JSON that was expected: " + err.Error()}
	}
	return nil
}

func (t *Truth) check() error {
	if !isUUIDv7(t.ID) {
		return &MalformedError{"id", "is missing"}
	}
	if t.Version == 0 {
		return &MalformedError{"version", "is missing"}
	}
	if _, ok := ParsePosition(t.Position); !ok && t.Position != "" {
		return &MalformedError{"position", "is no position"}
	}
	if t.State == nil {
		return nil
	}
	if t.State.ID != t.ID {
		return &MalformedError{"state", "is of another post"}
	}
	if t.State.LikesCount < 0 || t.State.SavesCount < 0 || t.State.CommentsCount < len(t.State.Comments) {
		return &MalformedError{"state", "has impossible counts"}
	}
	return checkComments(t.State.Comments, t.State.Older)
}

func checkComments(list []Comment, older string) error {
	if len(list) == 0 && older != "" {
		return &MalformedError{"older", "is told without comments"}
	}
	seen, last := make(map[string]bool, len(list)), int64(0)
	for _, c := range list {
		switch {
		case !isUUIDv7(c.ID) || seen[c.ID]:
			return &MalformedError{"comments", "hold one twice or without an id"}
		case c.Number <= last:
			return &MalformedError{"comments", "are not in the order of their numbers"}
		}
		seen[c.ID], last = true, c.Number
	}
	return nil
}
