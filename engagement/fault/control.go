package fault

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math"
	"mime"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/optimist-go/optimist/engagement/wire"
)

// State is the answer of [Network.Control].
type State struct {
	// Scope is "session" when the caller's session has a setting of its own, else
	// "everybody".
	Scope string `json:"scope"`
	wire.Network
	Counts Counts `json:"counts"`
}

// Wish is the body of a PUT to [Network.Control]. The setting for everybody is set by the
// program alone.
type Wish = wire.NetworkWish

// maxWish is the largest body that Control takes, in bytes.
const maxWish = 4 << 10

// malformed is the error of a body that is not the JSON that is asked for.
type malformed string

func (e malformed) Error() string { return string(e) }

// wishNames are the names of all fields of a Wish and its Rule.
var wishNames = func() map[string]bool {
	names := make(map[string]bool)
	for _, t := range []reflect.Type{reflect.TypeFor[Wish](), reflect.TypeFor[Rule]()} {
		for _, f := range reflect.VisibleFields(t) {
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			names[name] = true
		}
	}
	return names
}()

// DecodeWish reads the body of a PUT strictly. Its error is a sentence for people.
func DecodeWish(data []byte) (Wish, error) {
	var w Wish
	if !utf8.Valid(data) || !json.Valid(data) {
		return Wish{}, malformed("the body is not one JSON value")
	}
	if err := checkNames(json.NewDecoder(bytes.NewReader(data)), true); err != nil {
		return Wish{}, err
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&w); err != nil {
		return Wish{}, malformed("the body is not the JSON that is asked for")
	}
	if w.Scope != "" && w.Scope != "session" {
		return Wish{}, errors.New(`scope must be "session"`)
	}
	if w.Profile != "" && w.Rule != nil {
		return Wish{}, errors.New("a profile or a rule, not both")
	}
	if w.Profile != "" {
		if _, ok := FindProfile(w.Profile); !ok {
			return Wish{}, errors.New("there is no such profile")
		}
	}
	if w.Rule != nil {
		return w, Validate(*w.Rule)
	}
	return w, nil
}

// checkNames refuses in the next value the names that encoding/json would let pass:
// names that come twice or in another case, null, and a body that is no object.
func checkNames(decoder *json.Decoder, whole bool) error {
	token, err := decoder.Token()
	switch {
	case err != nil || whole && token != json.Delim('{') || token == json.Delim('['):
		return malformed("the body is not the JSON that is asked for")
	case token == nil:
		return malformed("nothing may be null")
	case token != json.Delim('{'):
		return nil
	}
	seen := make(map[string]bool)
	for decoder.More() {
		name, _ := decoder.Token() // the body is known to be valid
		text, _ := name.(string)
		if !wishNames[text] || seen[text] {
			return malformed("a name is not known or comes twice")
		}
		seen[text] = true
		if err := checkNames(decoder, false); err != nil {
			return err
		}
	}
	_, err = decoder.Token()
	return err
}

// Reject answers a request that Control does not take.
type Reject func(w http.ResponseWriter, r *http.Request, status int, detail string)

// Control returns the endpoint that shows (GET) and sets (PUT) the setting in force
// for the caller. Requests to it never pass the network themselves. Reject may be
// nil: then errors are plain text.
func (n *Network) Control(reject Reject) http.Handler {
	if reject == nil {
		reject = func(w http.ResponseWriter, _ *http.Request, status int, detail string) { http.Error(w, detail, status) }
	}
	origins := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if origins.Check(r) != nil {
			reject(w, r, http.StatusForbidden, "a page of another site sent this")
			return
		}
		switch r.Method {
		case http.MethodGet:
		case http.MethodPut:
			if status, err := n.grant(w, r); err != nil {
				reject(w, r, status, err.Error())
				return
			}
		default:
			w.Header().Set("Allow", "GET, PUT")
			reject(w, r, http.StatusMethodNotAllowed, "this path takes GET and PUT")
			return
		}
		n.show(w, r)
	})
}

func (n *Network) show(w http.ResponseWriter, r *http.Request) {
	setting, own := n.Get(n.scope(r))
	state := State{Scope: "everybody", Network: wire.Network{Profile: setting.Profile, Rule: setting.Rule, Profiles: Profiles()}, Counts: n.Counts()}
	if own && n.scope(r) != Everybody {
		state.Scope = "session"
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	json.NewEncoder(w).Encode(state) // a client that is gone is not our error
}

// grant carries out the wish in the body for the caller's session.
func (n *Network) grant(w http.ResponseWriter, r *http.Request) (status int, err error) {
	scope := n.scope(r)
	if scope == Everybody {
		return http.StatusUnauthorized, errors.New("sign in to set the network of your session")
	}
	if mediaType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || mediaType != "application/json" {
		return http.StatusUnsupportedMediaType, errors.New("the body must be application/json")
	}
	control := http.NewResponseController(w)
	control.SetReadDeadline(time.Now().Add(5 * time.Second))
	data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxWish))
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return http.StatusRequestEntityTooLarge, errors.New("the body is too large")
	}
	if err != nil {
		return http.StatusBadRequest, malformed("the body broke off")
	}
	control.SetReadDeadline(time.Time{})
	wish, err := DecodeWish(data)
	if _, ok := errors.AsType[malformed](err); ok {
		return http.StatusBadRequest, err
	}
	if err != nil {
		return http.StatusUnprocessableEntity, err
	}
	var setting *Setting
	switch {
	case wish.Rule != nil:
		setting = &Setting{Profile: "custom", Rule: *wish.Rule}
	case wish.Profile != "":
		profile, _ := FindProfile(wish.Profile)
		setting = &Setting{Profile: profile.Name, Rule: profile.Rule}
	}
	if err := n.keep(r.Context(), scope, setting); err != nil {
		return http.StatusServiceUnavailable, errors.New("the setting cannot be kept now")
	}
	if setting == nil {
		n.Clear(scope)
		return 0, nil
	}
	return http.StatusUnprocessableEntity, n.Set(scope, *setting)
}

func retryAfterSeconds(d time.Duration) string {
	return strconv.Itoa(int(math.Ceil(d.Seconds())))
}
