package wire

// HeaderKey is the request header that names an operation: 1 to MaxKey letters,
// digits and . _ : - characters, alone or in double quotes.
const HeaderKey = "Idempotency-Key"

// HeaderReplayed is "true" on the answer to an operation that was applied earlier.
const HeaderReplayed = "Idempotency-Replayed"

// Change is the body of an operation that is otherwise described by method and
// path: like, unlike, save, unsave, delete.
type Change struct {
	// At is the moment of the user's act, on the client's hybrid logical clock. A
	// moment ahead of the server's clock counts as the moment of arrival.
	At Stamp `json:"at,string"`

	// Client names the device; it decides between equal stamps, the greater wins.
	Client string `json:"client"`
}

// CommentText is the body that creates or edits a comment.
type CommentText struct {
	Change

	// Text is shown as text, never as markup.
	Text string `json:"text"`
}

// NewPost is the body that creates a post.
type NewPost struct {
	Change

	// ID is chosen by the client: a UUID of version 7.
	ID   string `json:"id"`
	Text string `json:"text"`
}

// SignIn is the body that opens a session.
type SignIn struct {
	Name string `json:"name"`
}

// DecodeChange reads the body of a Change.
func DecodeChange(data []byte) (Change, error) {
	var c Change
	err := decodeObject(data, c.fields()...)
	return c, err
}

// DecodeCommentText reads the body of a CommentText.
func DecodeCommentText(data []byte) (CommentText, error) {
	var c CommentText
	err := decodeObject(data, append(c.fields(), field{"text", &c.Text, func() error {
		return CheckText("text", c.Text, MaxCommentText)
	}})...)
	return c, err
}

// DecodeNewPost reads the body of a NewPost.
func DecodeNewPost(data []byte) (NewPost, error) {
	var p NewPost
	err := decodeObject(data, append(p.fields(),
		field{"id", &p.ID, func() error { return CheckID("id", p.ID) }},
		field{"text", &p.Text, func() error { return CheckText("text", p.Text, MaxPostText) }},
	)...)
	return p, err
}

// DecodeSignIn reads the body of a SignIn.
func DecodeSignIn(data []byte) (SignIn, error) {
	var s SignIn
	err := decodeObject(data, field{"name", &s.Name, func() error { return CheckName("name", s.Name) }})
	return s, err
}

func (c *Change) fields() []field {
	var at string
	return []field{
		{"at", &at, func() (err error) {
			c.At, err = parseStamp("at", at)
			return err
		}},
		{"client", &c.Client, func() error { return CheckClient("client", c.Client) }},
	}
}
