package page

import (
	"slices"
	"strconv"
	"strings"
)

// weightFor reads the values of Accept-Encoding: how much the client likes a coding, by its
// names or by "*"; 0: not at all. A client without the header gets the plain file.
func weightFor(values []string, names ...string) float64 {
	named, any := -1.0, -1.0
	for member := range strings.SplitSeq(strings.Join(values, ","), ",") {
		coding, parameters, _ := strings.Cut(member, ";")
		switch coding = strings.ToLower(strings.TrimSpace(coding)); {
		case slices.Contains(names, coding):
			named = max(named, weightOf(parameters))
		case coding == "*":
			any = max(any, weightOf(parameters))
		}
	}
	if named >= 0 {
		return named
	}
	return max(any, 0)
}

// weightOf reads the parameters of a member: 1 when there is no weight, 0 when it cannot
// be read.
func weightOf(parameters string) float64 {
	name, value, _ := strings.Cut(strings.TrimSpace(parameters), "=")
	if name == "" {
		return 1
	}
	if !strings.EqualFold(strings.TrimSpace(name), "q") {
		return 0
	}
	weight, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
	if err != nil || !(weight >= 0 && weight <= 1) {
		return 0
	}
	return weight
}

// holds reads the values of If-None-Match: whether the client has the version with the
// tag.
func holds(values []string, tag string) bool {
	for member := range strings.SplitSeq(strings.Join(values, ","), ",") { // our tags hold no comma
		member = strings.TrimSpace(member)
		if member == "*" || strings.TrimPrefix(member, "W/") == tag {
			return true
		}
	}
	return false
}
