package fault

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math"
	"net/http"
	"strconv"
	"time"
)

// State is the answer of Control.
type State struct {
	// Scope is "session" when the caller's session has a setting of its own, else
	// "everybody".
	Scope    string    `json:"scope"`
	Profile  string    `json:"profile"`
	Rule     Rule      `json:"rule"`
	Profiles []Profile `json:"profiles"`
	Counts   Counts    `json:"counts"`
}

// Wish is what Control takes by PUT: a profile or a rule, not both; neither takes
// the scope's own setting away.
type Wish struct {
	// Scope is "session" (only the caller) or "everybody"; empty means session.
	Scope   string `json:"scope"`
	Profile string `json:"profile"`
	Rule    *Rule  `json:"rule"`
}

// maxWish is the largest body that Control takes, in bytes.
const maxWish = 4 << 10

// DecodeWish reads the body of a PUT. Its error is a sentence for people.
func DecodeWish(data []byte) (Wish, error) {
	var w Wish
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&w); err != nil {
		return Wish{}, errors.New("the body is not the JSON that is asked for")
	}
	if _, err := decoder.Token(); err != io.EOF {
		return Wish{}, errors.New("something follows the JSON")
	}
	if w.Scope == "" {
		w.Scope = "session"
	}
	if w.Scope != "session" && w.Scope != "everybody" {
		return Wish{}, errors.New(`scope must be "session" or "everybody"`)
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
		return w, w.Rule.Validate()
	}
	return w, nil
}

// Reject answers a request that Control does not take.
type Reject func(w http.ResponseWriter, r *http.Request, status int, detail string)

// Control returns the endpoint that shows (GET) and sets (PUT) what is in force.
// Requests to it never pass the network themselves. Reject may be nil: then
// errors are plain text.
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
	state := State{Scope: "everybody", Profile: setting.Profile, Rule: setting.Rule, Profiles: Profiles(), Counts: n.Counts()}
	if own && n.scope(r) != Everybody {
		state.Scope = "session"
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	json.NewEncoder(w).Encode(state) // a client that is gone is not our error
}

// grant does what the body wishes.
func (n *Network) grant(w http.ResponseWriter, r *http.Request) (status int, err error) {
	control := http.NewResponseController(w)
	control.SetReadDeadline(time.Now().Add(5 * time.Second))
	data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxWish))
	if err != nil {
		return http.StatusBadRequest, errors.New("the body is too large or broke off")
	}
	control.SetReadDeadline(time.Time{})
	wish, err := DecodeWish(data)
	if err != nil {
		return http.StatusUnprocessableEntity, err
	}
	scope := Everybody
	if wish.Scope == "session" {
		if scope = n.scope(r); scope == Everybody {
			return http.StatusUnauthorized, errors.New("sign in to set the network of your session")
		}
	}
	switch {
	case wish.Rule != nil:
		err = n.Set(scope, Setting{Profile: "custom", Rule: *wish.Rule})
	case wish.Profile != "":
		profile, _ := FindProfile(wish.Profile)
		err = n.Set(scope, Setting{Profile: profile.Name, Rule: profile.Rule})
	default:
		n.Clear(scope)
	}
	return http.StatusUnprocessableEntity, err
}

func retryAfterSeconds(d time.Duration) string {
	return strconv.Itoa(int(math.Ceil(d.Seconds())))
}
