package wire

// Network is the fault setting of a session's network, as the network panel
// (/demo/network) of a server for demonstrations tells it.
type Network struct {
	// Profile is the name of the rule's profile; "custom" for a rule without profile.
	Profile  string           `json:"profile"`
	Rule     NetworkRule      `json:"rule"`
	Profiles []NetworkProfile `json:"profiles"`
}

// NetworkProfile is a rule with a name.
type NetworkProfile struct {
	Name  string      `json:"name"`
	Title string      `json:"title"`
	Rule  NetworkRule `json:"rule"`
}

// NetworkRule describes the faults of a network. The zero NetworkRule is a perfect
// network. Likelihoods are from 0 (never) to 1 (always).
type NetworkRule struct {
	// LatencyMs delays each request, in milliseconds; JitterMs is the greatest random
	// addition to it.
	LatencyMs int `json:"latencyMs"`
	JitterMs  int `json:"jitterMs"`

	LoseRequest float64 `json:"loseRequest"`
	LoseAnswer  float64 `json:"loseAnswer"`
	Duplicate   float64 `json:"duplicate"`
	ServerError float64 `json:"serverError"`
	Throttle    float64 `json:"throttle"`

	// RetryAfterMs is the wait that a throttled client is told, in milliseconds; 0 means
	// 1000.
	RetryAfterMs int `json:"retryAfterMs"`

	Offline bool `json:"offline"`
}

// NetworkWish is the body of a PUT to the panel for the caller's session: a profile or a
// rule, not both; without either the session's own setting is removed.
type NetworkWish struct {
	// Scope is "session" or empty, which means the same.
	Scope   string       `json:"scope"`
	Profile string       `json:"profile,omitempty"`
	Rule    *NetworkRule `json:"rule,omitempty"`
}
