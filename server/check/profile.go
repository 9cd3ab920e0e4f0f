package check

import (
	"bytes"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"slices"
	"strings"
)

// Profile describes the requests of one server, and where its answers have the parts that
// the checks look at. Texts of a profile that are sent to the server (paths, headers, and
// texts in bodies) may contain these names, which are replaced:
//
//	{user}         a name of letters, digits and -; empty for nobody
//	{entity}       the entity that the request is about
//	{item}         a new UUID for each operation, for the item that Add makes
//	{text}         a text, another one for each operation
//	{stamp}        the moment of the operation, see Stamp; {stampNumber} as the whole of a
//	               text becomes a JSON number
//
// Pointers are JSON pointers (RFC 6901); the comment at a field says whether the empty
// pointer means the whole value, or that the server's answers have no such part.
type Profile struct {
	// Name is the profile's name in the report.
	Name string `json:"name"`

	// SignIn opens a session, which the server's cookies carry; nil: requests name their
	// user themselves, by {user}.
	SignIn *Request `json:"signIn,omitempty"`

	// Create creates an entity, and is an operation with a key; nil: the checks use
	// Entities. The id of a created entity is at the pointer CreatedID in the answer, or
	// else a new UUID of version 7 that the check chooses.
	Create    *Request `json:"create,omitempty"`
	CreatedID string   `json:"createdId,omitempty"`
	// Entities are ids of existing entities, for profiles without Create. Several checks use
	// the same entity.
	Entities []string `json:"entities,omitempty"`

	// On and Off are the operations that set and remove the user's mark on the entity, such
	// as a like.
	On  Request `json:"on"`
	Off Request `json:"off"`
	// Add is an operation that adds an item each time that it is carried out, such as a
	// comment; nil: the server has none.
	Add *Request `json:"add,omitempty"`
	// Conflict is an operation that is refused as a conflict for every entity; nil: the
	// server has none, or Stamp makes one.
	Conflict *Request `json:"conflict,omitempty"`
	// Read answers with the truth of the entity, for the user.
	Read Request `json:"read"`

	// Stamp is the form of the moments by which older operations lose against newer ones:
	// "milliseconds" since the Unix epoch, or "hybrid", which are milliseconds << 16 and a
	// counter; empty: the server has none.
	Stamp string `json:"stamp,omitempty"`

	// Answer has pointers into the answers of operations, and Truth into truths.
	Answer Answer `json:"answer"`
	Truth  Truth  `json:"truth"`
	// Feed is the server's stream of changes; nil: the server has none.
	Feed *Feed `json:"feed,omitempty"`

	// LargeBody and LargeHeader are sizes in bytes that the server refuses; 0 is 1 MiB for
	// bodies and 2 MiB for headers.
	LargeBody   int `json:"largeBody,omitempty"`
	LargeHeader int `json:"largeHeader,omitempty"`
}

// Request is the form of one kind of request.
type Request struct {
	Method string `json:"method"`
	// Path begins with a slash; a query may follow.
	Path   string            `json:"path"`
	Header map[string]string `json:"header,omitempty"`
	// Body is sent as application/json; nil: the request has no body.
	Body json.RawMessage `json:"body,omitempty"`
}

// Answer has pointers into the answer to an operation that was carried out, and into the
// body of a conflict.
type Answer struct {
	// Truth points to the truth; empty: the truth is the whole answer.
	Truth string `json:"truth,omitempty"`
	// Already points to a boolean, which is true when the effect was already there before
	// the operation. Empty: the server does not say.
	Already string `json:"already,omitempty"`
	// Conflict points to the truth in the body of a conflict; empty: the truth is the whole
	// body.
	Conflict string `json:"conflict,omitempty"`
}

// Truth has pointers into the truth of an entity.
type Truth struct {
	// ID points to the entity's id, a text.
	ID string `json:"id"`
	// Version points to a whole number, as a number or a text.
	Version string `json:"version"`
	// On points to a boolean: the user's mark is set.
	On string `json:"on"`
	// Count points to the number of users whose mark is set; Added to the number of times
	// that Add was carried out. Empty: the truth has no such number.
	Count string `json:"count,omitempty"`
	Added string `json:"added,omitempty"`
	// Contains points to a list of the keys of the user's operations that are part of the
	// truth. Empty: the truth has no such list.
	Contains string `json:"contains,omitempty"`
}

// Feed is a stream of server-sent events whose ids are positions.
type Feed struct {
	Request
	// After is the query parameter for the position after which a stream starts, beside the
	// header Last-Event-ID; empty: there is none.
	After string `json:"after,omitempty"`
	// Hello is the name of the event that opens a stream; empty: there is none.
	Hello string `json:"hello,omitempty"`
	// Change is the name of the event of a change; empty is "message". ID and Version are
	// pointers into its data; empty means the pointers of Truth.
	Change  string `json:"change,omitempty"`
	ID      string `json:"id,omitempty"`
	Version string `json:"version,omitempty"`
	// Reset is the name of the event that says that the position is not known; empty: such
	// a position is refused with a status of 400 to 499.
	Reset string `json:"reset,omitempty"`
	// Unknown are positions that the server cannot know or has forgotten, in addition to the
	// positions that the check makes up.
	Unknown []string `json:"unknown,omitempty"`
}

//go:embed profiles
var profiles embed.FS

// Profiles returns the names of the built-in profiles.
func Profiles() []string {
	entries, err := fs.ReadDir(profiles, "profiles")
	if err != nil {
		panic(err) // the profiles are part of the program
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = strings.TrimSuffix(e.Name(), ".json")
	}
	return names
}

// BuiltIn returns the profile of that name; see [Profiles].
func BuiltIn(name string) (Profile, error) {
	if !slices.Contains(Profiles(), name) {
		return Profile{}, fmt.Errorf("check: there is no profile %q; there are %s", name, strings.Join(Profiles(), ", "))
	}
	data, err := profiles.ReadFile("profiles/" + name + ".json")
	if err != nil {
		return Profile{}, err
	}
	return DecodeProfile(data)
}

// DecodeProfile reads the JSON of a profile. Unknown fields are errors.
func DecodeProfile(data []byte) (Profile, error) {
	var p Profile
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&p); err != nil {
		return Profile{}, fmt.Errorf("check: a profile cannot be read: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return Profile{}, errors.New("check: a profile is one JSON object, with nothing after it")
	}
	return p, p.validate()
}

func (p *Profile) validate() error {
	requests := map[string]*Request{"signIn": p.SignIn, "create": p.Create, "on": &p.On, "off": &p.Off,
		"add": p.Add, "conflict": p.Conflict, "read": &p.Read}
	pointers := map[string]string{"createdId": p.CreatedID, "answer.truth": p.Answer.Truth, "answer.already": p.Answer.Already,
		"answer.conflict": p.Answer.Conflict, "truth.id": p.Truth.ID, "truth.version": p.Truth.Version, "truth.on": p.Truth.On,
		"truth.count": p.Truth.Count, "truth.added": p.Truth.Added, "truth.contains": p.Truth.Contains}
	if p.Feed != nil {
		requests["feed"] = &p.Feed.Request
		pointers["feed.id"], pointers["feed.version"] = p.Feed.ID, p.Feed.Version
	}
	for name, r := range requests {
		if r != nil {
			if err := r.validate(); err != nil {
				return fmt.Errorf("check: profile: %s %w", name, err)
			}
		}
	}
	for name, pointer := range pointers {
		if pointer != "" && pointer[0] != '/' {
			return fmt.Errorf("check: profile: %s is %q, and a JSON pointer begins with a slash", name, pointer)
		}
	}
	switch {
	case p.Truth.Version == "" || p.Truth.On == "" || p.Truth.ID == "":
		return errors.New("check: profile: truth needs id, version and on")
	case p.Create == nil && len(p.Entities) == 0:
		return errors.New("check: profile: there must be create, or entities")
	case p.Create != nil && len(p.Entities) > 0:
		return errors.New("check: profile: there must not be both create and entities")
	case p.Stamp != "" && p.Stamp != "milliseconds" && p.Stamp != "hybrid":
		return fmt.Errorf("check: profile: stamp is %q; it is milliseconds, hybrid or empty", p.Stamp)
	case p.LargeBody < 0 || p.LargeBody > 64<<20 || p.LargeHeader < 0 || p.LargeHeader > 64<<20:
		return errors.New("check: profile: largeBody and largeHeader are from 0 to 64 MiB")
	}
	return nil
}

func (r *Request) validate() error {
	switch {
	case r.Method == "" || strings.ContainsAny(r.Method, " \t\r\n/"):
		return fmt.Errorf("needs a method, and %q is none", r.Method)
	case r.Method == http.MethodConnect:
		return errors.New("must not be CONNECT")
	case !strings.HasPrefix(r.Path, "/") || strings.HasPrefix(r.Path, "//"):
		return fmt.Errorf("needs a path that begins with one slash, and %q does not", r.Path)
	case len(r.Body) > 0 && !json.Valid(r.Body):
		return errors.New("has a body that is no JSON")
	}
	return nil
}
