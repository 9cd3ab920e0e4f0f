package engagement

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"

	"github.com/optimist-go/optimist/engagement/wire"
)

// Kind is the kind of an operation.
type Kind string

// The kinds of operations. They name wanted states, never "toggle": repeating an
// operation changes nothing.
const (
	LikePost      Kind = "like"
	UnlikePost    Kind = "unlike"
	SavePost      Kind = "save"
	UnsavePost    Kind = "unsave"
	CreatePost    Kind = "post"
	DeletePost    Kind = "delete_post"
	CreateComment Kind = "comment"
	EditComment   Kind = "edit_comment"
	DeleteComment Kind = "delete_comment"
)

// Operation is one change that a user wants.
type Operation struct {
	// Key names the operation for life; it is unique per user.
	Key string
	// User is the user who acts, authenticated by the caller.
	User string
	Kind Kind
	Post string

	// Comment is the comment's id, for the kinds about comments; else empty.
	Comment string
	// Text is the text of the new post or comment; else empty.
	Text string

	// Stamp is the device's stamp, which may be ahead of the server's clock.
	// [Operation.Decide] adjusts it before it is compared and stored.
	Stamp Stamp
}

// Mark returns the kind of mark that the operation sets (on) or removes; ok is
// false for the kinds about posts and comments.
func (o Operation) Mark() (kind MarkKind, on, ok bool) {
	switch o.Kind {
	case LikePost:
		return Like, true, true
	case UnlikePost:
		return Like, false, true
	case SavePost:
		return Save, true, true
	case UnsavePost:
		return Save, false, true
	}
	return "", false, false
}

// aboutComment reports whether the operation is about a comment.
func (o Operation) aboutComment() bool {
	return o.Kind == CreateComment || o.Kind == EditComment || o.Kind == DeleteComment
}

// Fingerprint tells payloads apart: equal for two operations if and only if all but
// Key and User are equal. The stamp counts as it was sent, so that a repetition has
// the same fingerprint at any time.
func (o Operation) Fingerprint() string {
	payload, err := json.Marshal([]any{o.Kind, o.Post, o.Comment, o.Text, o.Stamp.At, o.Stamp.Client})
	if err != nil {
		panic("engagement: strings and integers do not marshal: " + err.Error())
	}
	sum := sha256.Sum256(payload)
	return hex.EncodeToString(sum[:16])
}

// Validate refuses an operation that is out of bounds, with code Invalid.
func (o Operation) Validate() error {
	for _, err := range []error{
		wire.CheckKey("key", o.Key),
		wire.CheckName("user", o.User),
		wire.CheckID("post", o.Post),
		wire.CheckStamp("at", o.Stamp.At),
		wire.CheckClient("client", o.Stamp.Client),
		o.checkSubject(),
	} {
		if invalid, ok := err.(*wire.InvalidError); ok {
			return &Error{Code: Invalid, Field: invalid.Field, Message: invalid.Error()}
		}
	}
	return nil
}

func (o Operation) checkSubject() error {
	if o.aboutComment() {
		if err := wire.CheckID("comment", o.Comment); err != nil {
			return err
		}
	}
	switch o.Kind {
	case CreatePost:
		return wire.CheckText("text", o.Text, wire.MaxPostText)
	case CreateComment, EditComment:
		return wire.CheckText("text", o.Text, wire.MaxCommentText)
	case LikePost, UnlikePost, SavePost, UnsavePost, DeletePost, DeleteComment:
		return nil
	}
	return &wire.InvalidError{Field: "kind", Reason: "is not known"}
}
