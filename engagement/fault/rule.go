package fault

import (
	"fmt"
	"time"
)

// Rule describes the faults of the network. The zero Rule is a perfect network.
// Likelihoods are from 0 (never) to 1 (always).
type Rule struct {
	// LatencyMs delays each request, in milliseconds; JitterMs is the greatest
	// random addition to it.
	LatencyMs int `json:"latencyMs"`
	JitterMs  int `json:"jitterMs"`

	LoseRequest float64 `json:"loseRequest"`
	LoseAnswer  float64 `json:"loseAnswer"`
	Duplicate   float64 `json:"duplicate"`
	ServerError float64 `json:"serverError"`
	Throttle    float64 `json:"throttle"`

	// RetryAfterMs is the wait that a throttled client is told, in milliseconds; 0
	// means 1000.
	RetryAfterMs int `json:"retryAfterMs"`

	Offline bool `json:"offline"`
}

// maxWait bounds every duration of a rule, in milliseconds.
const maxWait = 60_000

// Validate returns an error if a value is out of bounds.
func (r Rule) Validate() error {
	for _, n := range []struct {
		name  string
		value int
	}{{"latencyMs", r.LatencyMs}, {"jitterMs", r.JitterMs}, {"retryAfterMs", r.RetryAfterMs}} {
		if n.value < 0 || n.value > maxWait {
			return fmt.Errorf("%s must be from 0 to %d", n.name, maxWait)
		}
	}
	for _, p := range []struct {
		name  string
		value float64
	}{
		{"loseRequest", r.LoseRequest}, {"loseAnswer", r.LoseAnswer}, {"duplicate", r.Duplicate},
		{"serverError", r.ServerError}, {"throttle", r.Throttle},
	} {
		if !(p.value >= 0 && p.value <= 1) {
			return fmt.Errorf("%s must be from 0 to 1", p.name)
		}
	}
	return nil
}

func (r Rule) retryAfter() time.Duration {
	if r.RetryAfterMs == 0 {
		return time.Second
	}
	return time.Duration(r.RetryAfterMs) * time.Millisecond
}

// Profile is a rule with a name.
type Profile struct {
	Name  string `json:"name"`
	Title string `json:"title"`
	Rule  Rule   `json:"rule"`
}

// Profiles returns the named rules, from good to bad.
func Profiles() []Profile {
	return []Profile{
		{"clean", "No faults", Rule{}},
		{"slow", "Two seconds each way", Rule{LatencyMs: 2000, JitterMs: 500}},
		{"mobile", "A phone on a train", Rule{LatencyMs: 300, JitterMs: 900, LoseRequest: 0.05, LoseAnswer: 0.03}},
		{"lossy", "Requests and answers get lost", Rule{LatencyMs: 50, JitterMs: 150, LoseRequest: 0.20, LoseAnswer: 0.10}},
		{"flaky", "The server is in trouble", Rule{LatencyMs: 50, JitterMs: 100, ServerError: 0.30, Throttle: 0.10}},
		{"hostile", "All of it at once", Rule{LatencyMs: 100, JitterMs: 900, LoseRequest: 0.20, LoseAnswer: 0.10, Duplicate: 0.20, ServerError: 0.05, Throttle: 0.05}},
		{"answers-lost", "Every answer gets lost", Rule{LoseAnswer: 1}},
		{"errors", "The server fails every time", Rule{ServerError: 1}},
		{"offline", "No network at all", Rule{Offline: true}},
	}
}

// ProfileNames returns the names of all profiles, from good to bad.
func ProfileNames() (names []string) {
	for _, p := range Profiles() {
		names = append(names, p.Name)
	}
	return names
}

// FindProfile returns the profile of that name.
func FindProfile(name string) (Profile, bool) {
	for _, p := range Profiles() {
		if p.Name == name {
			return p, true
		}
	}
	return Profile{}, false
}
