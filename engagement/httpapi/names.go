package httpapi

import (
	"net/netip"
	"strings"
)

// ValidHost reports whether a request can be for a host of that name: an IP address, or a
// name of letters, digits and - _ characters between dots, as browsers send it. It has
// no port and no brackets.
func ValidHost(name string) bool {
	if _, err := netip.ParseAddr(name); err == nil {
		return true
	}
	if len(name) > 253 {
		return false
	}
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > 63 || strings.Trim(label, alphanumeric+"-_") != "" {
			return false
		}
	}
	return true
}

// ValidHeader reports whether a header can have that name.
func ValidHeader(name string) bool {
	return name != "" && strings.Trim(name, alphanumeric+"!#$%&'*+-.^_`|~") == ""
}

const alphanumeric = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
