package fault

import (
	"context"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"
)

// Options are the options of a [Network]. The zero value is ready for use.
type Options struct {
	// Seed makes the draws repeatable, as far as the order of the requests is; 0
	// means a random one.
	Seed uint64

	// Scope returns the scope of a request, such as its session, for rules of single scopes;
	// nil, or an empty scope, means that only the rule for everybody applies.
	Scope func(*http.Request) string

	// Keep is called with each setting that Control takes for a scope, before it is in
	// force; a nil setting removes the scope's own. An error of Keep refuses the setting.
	// Keep may be nil.
	Keep func(ctx context.Context, scope string, setting *Setting) error

	// Note is called for each fault of a request except delays, with a short description for
	// the log, so that it is not mistaken for a fault of the server. Note may be nil.
	Note func(r *http.Request, fault string)
}

// Everybody is the scope whose rule holds for requests of scopes without a rule.
const Everybody = ""

// maxScopes bounds the memory of rules for single scopes.
const maxScopes = 10_000

// Network is a bad network with adjustable faults. Make one with [New]. A Network is safe
// for concurrent use.
type Network struct {
	scope func(*http.Request) string
	note  func(*http.Request, string)
	keep  func(context.Context, string, *Setting) error

	// mu guards the fields below it.
	mu       sync.Mutex
	draws    *rand.Rand
	settings map[string]Setting // by scope; always has Everybody
	underway map[*passage]bool
	counts   Counts
}

// Setting is the rule in force for a scope, with its name.
type Setting struct {
	// Profile is the name of the rule's profile; "custom" for a rule without profile.
	Profile string `json:"profile"`
	Rule    Rule   `json:"rule"`
}

// Counts has the number of times that each fault has struck since the start.
type Counts struct {
	Requests     int64 `json:"requests"`
	LostRequests int64 `json:"lostRequests"`
	LostAnswers  int64 `json:"lostAnswers"`
	Duplicates   int64 `json:"duplicates"`
	ServerErrors int64 `json:"serverErrors"`
	Throttled    int64 `json:"throttled"`
	Cut          int64 `json:"cut"` // while offline, streams included
}

// passage is one request on its way through.
type passage struct {
	scope string
	cut   context.CancelCauseFunc
}

// New returns a network with the profile "clean" for everybody.
func New(options Options) *Network {
	if options.Scope == nil {
		options.Scope = func(*http.Request) string { return Everybody }
	}
	if options.Note == nil {
		options.Note = func(*http.Request, string) {}
	}
	if options.Keep == nil {
		options.Keep = func(context.Context, string, *Setting) error { return nil }
	}
	if options.Seed == 0 {
		options.Seed = rand.Uint64()
	}
	return &Network{
		scope:    options.Scope,
		note:     options.Note,
		keep:     options.Keep,
		draws:    rand.New(rand.NewPCG(options.Seed, 0)),
		settings: map[string]Setting{Everybody: {Profile: "clean"}},
		underway: make(map[*passage]bool),
	}
}

// Set puts the setting in force for the scope; the setting of [Everybody] holds for all
// scopes without one. Requests under way keep their earlier setting, except that offline
// cuts them. The error is an error of [Validate].
func (n *Network) Set(scope string, setting Setting) error {
	if err := Validate(setting.Rule); err != nil {
		return err
	}
	n.mu.Lock()
	if _, known := n.settings[scope]; !known && len(n.settings) >= maxScopes {
		n.forgetOneLocked()
	}
	n.settings[scope] = setting
	var cut []*passage
	for p := range n.underway {
		if n.settingLocked(p.scope).Rule.Offline {
			cut = append(cut, p)
		}
	}
	n.counts.Cut += int64(len(cut))
	n.mu.Unlock()
	for _, p := range cut {
		p.cut(errCut)
	}
	return nil
}

// Clear removes the scope's own setting; Everybody's becomes clean.
func (n *Network) Clear(scope string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if scope == Everybody {
		n.settings[Everybody] = Setting{Profile: "clean"}
		return
	}
	delete(n.settings, scope)
}

// Get returns the setting in force for the scope, and whether it is the scope's own.
func (n *Network) Get(scope string) (setting Setting, own bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	_, own = n.settings[scope]
	return n.settingLocked(scope), own
}

// Counts returns the number of times that each fault has struck.
func (n *Network) Counts() Counts {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.counts
}

func (n *Network) settingLocked(scope string) Setting {
	if own, ok := n.settings[scope]; ok {
		return own
	}
	return n.settings[Everybody]
}

func (n *Network) forgetOneLocked() {
	for scope := range n.settings {
		if scope != Everybody {
			delete(n.settings, scope)
			return
		}
	}
}

// fate has the faults drawn for one request.
type fate struct {
	offline, loseRequest, loseAnswer, duplicate, serverError, throttle bool

	delay      time.Duration
	retryAfter time.Duration
	status     int // of serverError
}

// enter draws the fate of a request and, unless it is offline, counts it as under way.
func (n *Network) enter(p *passage, changes bool) fate {
	n.mu.Lock()
	defer n.mu.Unlock()
	rule := n.settingLocked(p.scope).Rule
	f := fate{offline: rule.Offline, retryAfter: retryAfter(rule), status: http.StatusServiceUnavailable}
	n.counts.Requests++
	if f.offline {
		n.counts.Cut++
		return f
	}
	n.underway[p] = true
	f.delay = time.Duration(rule.LatencyMs) * time.Millisecond
	if rule.JitterMs > 0 {
		f.delay += time.Duration(n.draws.Int64N(int64(rule.JitterMs)*int64(time.Millisecond) + 1))
	}
	// All draws are made each time, so that one likelihood does not move the others.
	f.loseRequest = n.draws.Float64() < rule.LoseRequest
	f.serverError = n.draws.Float64() < rule.ServerError
	f.throttle = n.draws.Float64() < rule.Throttle
	f.duplicate = n.draws.Float64() < rule.Duplicate && changes
	f.loseAnswer = n.draws.Float64() < rule.LoseAnswer
	if n.draws.IntN(2) == 0 {
		f.status = http.StatusInternalServerError
	}
	return f
}

func (n *Network) leave(p *passage) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.underway, p)
}

// count adds one to a field of n.counts.
func (n *Network) count(field *int64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	*field++
}
