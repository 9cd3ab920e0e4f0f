package load

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
)

// Report is the result of a run.
type Report struct {
	Clients    int           `json:"clients"`
	Viewers    int           `json:"viewers"` // that only followed
	Taps       int           `json:"taps"`
	Calls      int           `json:"calls"`
	CallsSaved int           `json:"callsSaved"`
	Retries    int           `json:"retries"`
	Conflicts  int           `json:"conflicts"`
	Rollbacks  int           `json:"rollbacks"`
	Parked     int           `json:"parked"`
	Effects    int           `json:"effects"`
	Kills      int           `json:"kills"`
	Durable    int           `json:"durable"`  // operations that a journal held
	Restored   int           `json:"restored"` // that clients found when they started
	Divergence int           `json:"divergence"`
	Duplicates int           `json:"duplicates"`
	Lost       int           `json:"lost"`
	Forgotten  int           `json:"lostOperations"` // durable, not ended, not restored
	Unknown    int           `json:"unknownKeys"`    // restored or sent, and not made by that client
	Missed     int           `json:"missedEvents"`
	Servers    int           `json:"servers"`
	Requests   int           `json:"requests"`          // of operations, answered by a server
	PerSecond  float64       `json:"requestsPerSecond"` // answered requests, while clients tapped and settled
	Request    Spread        `json:"request"`           // of them: until the answer
	Visible    Spread        `json:"visible"`           // since a tap, until its client saw it
	Settle     Spread        `json:"settle"`            // since a tap, until it was settled
	Follow     Spread        `json:"follow"`            // since a tap, until a client of another server saw it
	Sent       Spread        `json:"sentToFollower"`    // the same, since the request left
	Took       time.Duration `json:"tookNs"`            // to tap and to settle

	Troubles []TroubleCount `json:"troubles,omitempty"`
	Audit    string         `json:"audit,omitempty"`    // promise that the database broke
	BrokeOff string         `json:"brokeOff,omitempty"` // the reason why the run did not come to its end
	Held     bool           `json:"held"`
	Details  []string       `json:"details,omitempty"`
}

// OK reports whether the run came to its end and all promises held.
func (r *Report) OK() bool {
	return r.BrokeOff == "" && r.Audit == "" && r.Divergence == 0 && r.Duplicates == 0 && r.Lost == 0 && r.Forgotten == 0 && r.Unknown == 0 && r.Missed == 0
}

// count adds the number of changes of a post, and the number of operations with an
// effect on it.
func (r *Report) count(post string, changes, wanted int) {
	r.Effects += wanted
	r.Duplicates += max(changes-wanted, 0)
	r.Lost += max(wanted-changes, 0)
	if changes != wanted {
		r.Details = append(r.Details, fmt.Sprintf("%s has changed %d times, by %d operations", post, changes, wanted))
	}
}

// Write prints the report as a table, and as its last line the verdict.
func (r *Report) Write(w io.Writer) error {
	other := "another client"
	if r.Servers > 1 {
		other = "a client of another server"
	}
	type row struct {
		name  string
		value any
		note  string
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	var rows []row
	for _, c := range r.Troubles {
		rows = append(rows, row{c.Name, c.Times, ""})
	}
	for _, row := range append(rows, []row{
		{"clients", r.Clients, ""}, {"viewers", r.Viewers, "that only followed a stream"}, {"processes killed", r.Kills, "and started again"}, {"taps", r.Taps, ""},
		{"calls", r.Calls, "attempts that left"}, {"calls saved", r.CallsSaved, "taps that needed none of their own"},
		{"retries", r.Retries, "planned; some were not needed any more"}, {"conflicts", r.Conflicts, ""}, {"rolled back", r.Rollbacks, ""}, {"parked", r.Parked, "failed comments that were given up"},
		{"requests per second", int(r.PerSecond), fmt.Sprintf("%d that a server has answered", r.Requests)},
		{"request", r.Request, "p50 / p90 / p99 / p99.9 / max, until the answer"},
		{"tap to visible", r.Visible, "likewise"},
		{"tap to settled", r.Settle, "likewise"},
		{"tap to follower", r.Follow, "likewise, until " + other + " saw it"},
		{"sent to follower", r.Sent, "likewise, since the request left"},
		{"took", round(r.Took), ""},
		{"durable operations", r.Durable, "that a journal held"}, {"restored operations", r.Restored, "at all starts together"},
		{"effects on the server", r.Effects, ""},
		{"divergence", r.Divergence, r.verdict(r.Divergence)},
		{"duplicated effects", r.Duplicates, r.verdict(r.Duplicates)},
		{"lost effects", r.Lost, r.verdict(r.Lost)},
		{"lost operations", r.Forgotten, r.verdict(r.Forgotten)},
		{"unknown keys", r.Unknown, r.verdict(r.Unknown)},
		{"missed events", r.Missed, r.verdict(r.Missed)},
	}...) {
		fmt.Fprintf(t, "%s\t%v\t%s\n", row.name, row.value, row.note)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, d := range r.Details {
		fmt.Fprintln(w, d)
	}
	if r.BrokeOff != "" {
		fmt.Fprintln(w, "the run broke off:", r.BrokeOff)
	}
	if r.Audit != "" {
		fmt.Fprintln(w, "the database is wrong:", r.Audit)
	}
	_, err := fmt.Fprintln(w, r.Verdict())
	return err
}

// Verdict returns PASS, or FAIL and the reason, in one line.
func (r *Report) Verdict() string {
	if r.OK() {
		return "PASS"
	}
	var why []string
	for _, f := range []struct {
		name string
		n    int
	}{
		{"divergence", r.Divergence}, {"duplicated effects", r.Duplicates}, {"lost effects", r.Lost},
		{"lost operations", r.Forgotten}, {"unknown keys", r.Unknown}, {"missed events", r.Missed},
	} {
		if f.n != 0 {
			why = append(why, fmt.Sprintf("%s %d", f.name, f.n))
		}
	}
	if r.Audit != "" {
		why = append(why, "the database is wrong")
	}
	if r.BrokeOff != "" {
		why = append(why, "the run broke off")
	}
	return "FAIL: " + strings.Join(why, ", ")
}

func (r *Report) verdict(n int) string {
	switch {
	case n > 0:
		return "MUST BE 0"
	case r.BrokeOff != "":
		return "as far as is known"
	}
	return "as it must be"
}

func round(d time.Duration) time.Duration {
	switch {
	case d > time.Second:
		return d.Round(10 * time.Millisecond)
	case d > time.Millisecond:
		return d.Round(10 * time.Microsecond)
	}
	return d.Round(100 * time.Nanosecond)
}
