package fault

import (
	"fmt"
	"time"

	"github.com/optimist-go/optimist/engagement/wire"
)

// Rule describes the faults of the network.
type Rule = wire.NetworkRule

// maxWait bounds every duration of a rule, in milliseconds.
const maxWait = 60_000

// Validate returns an error if a value of the rule is out of bounds.
func Validate(r Rule) error {
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

func retryAfter(r Rule) time.Duration {
	if r.RetryAfterMs == 0 {
		return time.Second
	}
	return time.Duration(r.RetryAfterMs) * time.Millisecond
}

// Profile is a rule with a name.
type Profile = wire.NetworkProfile

// Profiles returns the named rules, from good to bad.
func Profiles() []Profile {
	return []Profile{
		{Name: "clean", Title: "No faults", Rule: Rule{}},
		{Name: "slow", Title: "Two seconds each way", Rule: Rule{LatencyMs: 2000, JitterMs: 500}},
		{Name: "mobile", Title: "A phone on a train", Rule: Rule{LatencyMs: 300, JitterMs: 900, LoseRequest: 0.05, LoseAnswer: 0.03}},
		{Name: "lossy", Title: "Requests and answers get lost", Rule: Rule{LatencyMs: 50, JitterMs: 150, LoseRequest: 0.20, LoseAnswer: 0.10}},
		{Name: "flaky", Title: "The server is in trouble", Rule: Rule{LatencyMs: 50, JitterMs: 100, ServerError: 0.30, Throttle: 0.10}},
		{Name: "hostile", Title: "All of it at once", Rule: Rule{LatencyMs: 100, JitterMs: 900, LoseRequest: 0.20, LoseAnswer: 0.10, Duplicate: 0.20, ServerError: 0.05, Throttle: 0.05}},
		{Name: "answers-lost", Title: "Every answer gets lost", Rule: Rule{LoseAnswer: 1}},
		{Name: "errors", Title: "The server fails every time", Rule: Rule{ServerError: 1}},
		{Name: "offline", Title: "No network at all", Rule: Rule{Offline: true}},
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
