package property

import "flag"

// The ordinary number of checks takes about a second; -rapid.checks asks for more.
func init() { flag.Set("rapid.checks", "5000") }
