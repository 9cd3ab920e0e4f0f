package check

import (
	"fmt"
	"strings"
)

// Verdict is the result of the check of one assumption.
type Verdict int

const (
	// NotChecked: the profile or the target lacks a part that the check needs;
	// Line.Seen names it.
	NotChecked Verdict = iota
	// Pass: the server behaved as the client assumes.
	Pass
	// Fail: the server behaved otherwise.
	Fail
)

func (v Verdict) String() string {
	switch v {
	case Pass:
		return "PASS"
	case Fail:
		return "FAIL"
	}
	return "not checked"
}

// Line is the verdict on one assumption of the client.
type Line struct {
	// Name is short and stable, such as "key-same".
	Name string
	// Want is the assumption, as a sentence.
	Want string
	// Verdict is the result of the check.
	Verdict Verdict
	// Seen describes the server's behaviour, or the reason why it could not be
	// checked.
	Seen string
}

// Report has one line for each assumption, always the same ones in the same order.
type Report struct {
	// URL is the URL of the server.
	URL string
	// Profile is the name of the profile.
	Profile string
	Lines   []Line
}

// Failed reports whether a line has failed.
func (r Report) Failed() bool {
	_, failed, _ := r.counts()
	return failed > 0
}

// String returns the report as text for people. Its last line has the totals.
func (r Report) String() string {
	var text strings.Builder
	fmt.Fprintf(&text, "%s, asked as %s\n\n", r.URL, r.Profile)
	for _, line := range r.Lines {
		fmt.Fprintf(&text, "%-11s  %-14s  %s\n", line.Verdict, line.Name, line.Want)
		if line.Seen != "" {
			fmt.Fprintf(&text, "%29s%s\n", "", strings.ReplaceAll(line.Seen, "\n", "\n"+strings.Repeat(" ", 29)))
		}
	}
	passed, failed, open := r.counts()
	fmt.Fprintf(&text, "\n%d passed, %d failed, %d not checked\n", passed, failed, open)
	return text.String()
}

func (r Report) counts() (passed, failed, open int) {
	for _, line := range r.Lines {
		switch line.Verdict {
		case Pass:
			passed++
		case Fail:
			failed++
		default:
			open++
		}
	}
	return passed, failed, open
}
