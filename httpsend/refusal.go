package httpsend

import (
	"encoding/json"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// maxText is the most that an error tells of one text of a server, in bytes.
const maxText = 200

// maxWait is the longest Retry-After that is taken at its word.
const maxWait = 24 * time.Hour

// Refusal is an answer that refuses a request, as an error. The error of [Client.Do] and of
// the functions that [Send] and [SendGroup] make wraps it.
type Refusal struct {
	Method, Path string // of the request that was refused; the path without its query
	Status       int
	// Type, Title and Detail are those of the answer's problem (RFC 9457), each cut after 200
	// bytes. Of an answer in plain text Detail is the text. Empty: it has none.
	Type, Title, Detail string

	reason error // why a redirect was not followed
}

// Error says which request was refused, with which status, and the problem.
func (r *Refusal) Error() string {
	text := r.Method + " " + r.Path + ": status " + strconv.Itoa(r.Status)
	for _, more := range [...]string{r.Title, r.Detail} {
		if more != "" {
			text += ": " + more
		}
	}
	if r.reason != nil {
		text += ": " + r.reason.Error()
	}
	return text
}

func where(r *http.Request) string { return method(r) + " " + cut(r.URL.EscapedPath()) }

func method(r *http.Request) string {
	if r.Method == "" {
		return http.MethodGet
	}
	return r.Method
}

func refusalOf(a Answer, r *http.Request, stop redirects) *Refusal {
	refusal := &Refusal{Method: method(r), Path: cut(r.URL.EscapedPath()), Status: a.Status}
	if a.Status < 400 {
		refusal.reason = stop.reason
	}
	switch media, _, _ := mime.ParseMediaType(a.Header.Get("Content-Type")); media {
	case "application/problem+json", "application/json":
		// Members of another type are ignored, as the RFC has it.
		var fields map[string]json.RawMessage
		if json.Unmarshal(a.Body, &fields) == nil {
			refusal.Type, refusal.Title, refusal.Detail = text(fields["type"]), text(fields["title"]), text(fields["detail"])
		}
	case "text/plain":
		refusal.Detail = cut(string(a.Body[:min(len(a.Body), 2*maxText)]))
	}
	return refusal
}

// text is a string in JSON, or empty.
func text(data json.RawMessage) (s string) {
	if json.Unmarshal(data, &s) != nil {
		return ""
	}
	return cut(s)
}

// cut makes a text of a server fit for one line of an error.
func cut(s string) string {
	s = strings.TrimSpace(strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case !unicode.IsPrint(r) || r == utf8.RuneError:
			return -1
		}
		return r
	}, s))
	if len(s) <= maxText {
		return s
	}
	end := maxText - len("…")
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + "…"
}

// retryAfter reads the header Retry-After, in both of its forms. A date is compared with the
// Date of the answer, which is of the same clock, or with now. asked is false without the
// header, and if it cannot be read.
func retryAfter(h http.Header, now time.Time) (wait time.Duration, asked bool) {
	value := strings.TrimSpace(h.Get("Retry-After"))
	if value != "" && strings.Trim(value, "0123456789") == "" {
		seconds, err := strconv.ParseInt(value, 10, 64)
		if err != nil || seconds > int64(maxWait/time.Second) {
			return maxWait, true
		}
		return time.Duration(seconds) * time.Second, true
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return 0, false
	}
	if date, err := http.ParseTime(h.Get("Date")); err == nil {
		now = date
	}
	return min(max(at.Sub(now), 0), maxWait), true
}
