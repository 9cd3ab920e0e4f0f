package check

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
)

// parse reads JSON and keeps numbers as they are written; nil when data is not JSON.
func parse(data []byte) any {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var value any
	if d.Decode(&value) != nil {
		return nil
	}
	return value
}

var unescape = strings.NewReplacer("~1", "/", "~0", "~")

// at returns the part of a value that a JSON pointer (RFC 6901) names; nil when there is
// none.
func at(value any, pointer string) any {
	if pointer == "" {
		return value
	}
	for token := range strings.SplitSeq(pointer[1:], "/") {
		token = unescape.Replace(token)
		switch v := value.(type) {
		case map[string]any:
			value = v[token]
		case []any:
			i, err := strconv.Atoi(token)
			if err != nil || i < 0 || i >= len(v) {
				return nil
			}
			value = v[i]
		default:
			return nil
		}
	}
	return value
}

// whole reads a whole number, written as a number or as text.
func whole(value any) (int64, bool) {
	text, ok := value.(string)
	if n, isNumber := value.(json.Number); isNumber {
		text, ok = n.String(), true
	}
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseInt(text, 10, 64)
	return n, err == nil
}
