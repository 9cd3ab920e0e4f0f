package report

import (
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/optimist-go/optimist/bench/internal/runner"
)

// section is a timed workload as the tables introduce it.
type section struct {
	workload, title, unit, what string
}

var sections = []section{
	{"W1", "Tap latency", "µs", "from the call until the view has changed and the call has returned; median, 99th percentile"},
	{"W2", "Throughput until settled", "µs per tap", "taps on many entities until every one is settled, server answers at once; calls made"},
	{"W4", "Rollback in a chain", "µs", "n unsettled operations on one entity, the first fails: until the library calls it settled; the view must show n-1"},
	{"W5", "Server truth under pending work", "µs per push", "each entity has +1 pending and truth 10 comes: the view must show 11"},
	{"W6", "Memory", "bytes per pending operation", "heap after garbage collection; in brackets the rest after settling, if all settled within 8 s"},
}

// Markdown writes a run as tables.
func Markdown(w io.Writer, run *runner.Run) error {
	t := merge(run)
	b := &strings.Builder{}
	heading(b, run)
	libraries(b, t)
	correctness(b, t)
	bursts(b, t)
	storm(b, t)
	for _, s := range sections {
		timed(b, t, s)
	}
	failures(b, t)
	_, err := io.WriteString(w, b.String())
	return err
}

func heading(b *strings.Builder, run *runner.Run) {
	fmt.Fprintf(b, "# Beside its rivals\n\n")
	fmt.Fprintf(b, "%s, %s form, %d rounds. %s, %d cores, %s", run.Date.Format("2006-01-02 15:04 MST"), run.Form, run.Rounds, run.Machine, run.Cores, run.Go)
	if run.Node != "" {
		fmt.Fprintf(b, ", Node %s", run.Node)
	}
	if run.Commit != "" {
		fmt.Fprintf(b, ", commit %s", run.Commit)
	}
	fmt.Fprintf(b, ".\nOne process per library and workload, in turn; figures are medians of the rounds with their range, "+
		"and in brackets the ratio to optimist; * marks the result in the time allowed, of the round that came least far. The rivals run on another language's runtime: the floors (a map write and a call, "+
		"no more) show the effect of the runtime alone. The workloads are defined in `bench/WORKLOADS.md`.\n\n")
}

func libraries(b *strings.Builder, t *table) {
	fmt.Fprintf(b, "| library | version | used as in |\n|---|---|---|\n")
	seen := map[string]bool{}
	for _, c := range t.columns {
		if seen[c.library] {
			continue
		}
		seen[c.library] = true
		version := c.version
		if version == "" {
			version = "this checkout"
		}
		fmt.Fprintf(b, "| %s | %s | %s |\n", c.title, version, c.doc)
	}
	b.WriteString("\n")
}

// rows writes a row for each column with results in a workload: a cell for each id, empty
// where there is no result.
func rows(b *strings.Builder, t *table, workload string, ids []cellID, cell func(merged) string) {
	for _, c := range t.columnsOf(workload) {
		fmt.Fprintf(b, "| %s ", c.label())
		for _, id := range ids {
			if m, ok := t.cells[id][c.key()]; ok {
				fmt.Fprintf(b, "| %s ", cell(m))
			} else {
				b.WriteString("| ")
			}
		}
		b.WriteString("|\n")
	}
}

func correctness(b *strings.Builder, t *table) {
	ids := t.idsOf("E")
	if len(ids) == 0 {
		return
	}
	b.WriteString("## Right or wrong\n\nThe screen after each of the server's answers; ✓ means the right result.\n\n")
	row(b, "", names(ids, "row="))
	rows(b, t, "E", ids, func(m merged) string {
		if !m.right() {
			return "✗ " + m.got()
		}
		if flips, has := m.metric("flips"); has {
			return fmt.Sprintf("✓ flips %.0f", flips)
		}
		return "✓"
	})
	b.WriteString("\nA flip is a visible change; four taps (E7) ought to make 4, two (E8) 2. Right is: ")
	for i, id := range ids {
		for _, key := range slices.Sorted(maps.Keys(t.cells[id])) {
			if i > 0 {
				b.WriteString("; ")
			}
			fmt.Fprintf(b, "%s %s", strings.TrimPrefix(id.key, "row="), t.cells[id][key].cells[0].Want)
			break
		}
	}
	b.WriteString(".\n\n")
}

func bursts(b *strings.Builder, t *table) {
	ids := t.idsOf("W3")
	if len(ids) == 0 {
		return
	}
	b.WriteString("## Calls for a burst of taps on one toggle (W3)\n\nAnswers overtake each other (60, 10, 40, 5 ms). The number of calls, and ✗ with the final state if it is wrong.\n\n")
	row(b, "", names(ids, ""))
	rows(b, t, "W3", ids, func(m merged) string {
		calls, has := m.metric("calls")
		switch {
		case !has:
			return "✗ " + m.got()
		case m.right():
			return fmt.Sprintf("%.0f ✓", calls)
		}
		return fmt.Sprintf("%.0f ✗ %s", calls, m.got())
	})
	b.WriteString("\n")
}

func storm(b *strings.Builder, t *table) {
	ids := t.idsOf("W7")
	if len(ids) == 0 {
		return
	}
	b.WriteString("## Failure storm (W7)\n\n30 % of the attempts fail, 5 % are applied but not answered, 5 % of the operations are refused for good.\n\n")
	columns := []struct{ title, metric string }{
		{"views that differ from the server", "diverged"}, {"effects twice", "duplicates"},
		{"additions missing", "missing"}, {"last taps lost", "last_intent_lost"}, {"calls", "calls"}, {"settled after ms", "settled_ms"},
	}
	var titles []string
	for _, c := range columns {
		titles = append(titles, c.title)
	}
	row(b, "", append(titles, "notes"))
	for _, id := range ids {
		for _, c := range t.columnsOf("W7") {
			m, ok := t.cells[id][c.key()]
			if !ok {
				continue
			}
			fmt.Fprintf(b, "| %s ", c.label())
			for _, col := range columns {
				if v, has := m.metric(col.metric); has {
					fmt.Fprintf(b, "| %.0f ", v)
				} else {
					b.WriteString("| ")
				}
			}
			fmt.Fprintf(b, "| %s |\n", m.notes())
		}
	}
	b.WriteString("\n")
}

func timed(b *strings.Builder, t *table, s section) {
	ids := t.idsOf(s.workload)
	if len(ids) == 0 {
		return
	}
	fmt.Fprintf(b, "## %s (%s)\n\n%s: %s.\n\n", s.title, s.workload, s.unit, s.what)
	row(b, "", append(names(ids, ""), "notes"))
	for _, c := range t.columnsOf(s.workload) {
		fmt.Fprintf(b, "| %s ", c.label())
		var notes []string
		for _, id := range ids {
			m, ok := t.cells[id][c.key()]
			if !ok {
				b.WriteString("| ")
				continue
			}
			fmt.Fprintf(b, "| %s ", figure(t, id, c, m))
			if n := m.notes(); n != "" {
				notes = append(notes, "* "+id.key+": "+n)
			}
		}
		fmt.Fprintf(b, "| %s |\n", strings.Join(notes, "; "))
	}
	b.WriteString("\n")
}

// figure is a cell of a timed table.
func figure(t *table, id cellID, c column, m merged) string {
	median, low, high, ok := m.main()
	if !ok {
		return "✗"
	}
	parts := []string{number(median)}
	if m.short() {
		parts[0] += "*"
	}
	if len(m.cells) > 1 {
		parts = append(parts, fmt.Sprintf("[%s to %s]", number(low), number(high)))
	}
	if p99, has := m.p99(); has {
		parts = append(parts, "p99 "+number(p99))
	}
	if calls, has := m.metric("calls"); has {
		parts = append(parts, number(calls)+" calls")
	}
	if left, has := m.metric("left_bytes_per_op"); has {
		parts = append(parts, "("+number(left)+")")
	}
	if base, _, _, has := t.cells[id][ours+"/"].main(); has && c.library != ours && base > 0 {
		parts = append(parts, fmt.Sprintf("(%s×)", number(median/base)))
	}
	if !m.right() {
		parts = append(parts, "✗ "+m.got())
	}
	return strings.Join(parts, " ")
}

func failures(b *strings.Builder, t *table) {
	if len(t.failed) == 0 {
		return
	}
	b.WriteString("## Without a result\n\n")
	for _, key := range slices.Sorted(maps.Keys(t.failed)) {
		fmt.Fprintf(b, "- %s: %s\n", key, t.failed[key])
	}
	b.WriteString("\n")
}

func row(b *strings.Builder, first string, cells []string) {
	fmt.Fprintf(b, "| %s | %s |\n|%s\n", first, strings.Join(cells, " | "), strings.Repeat("---|", len(cells)+1))
}

func names(ids []cellID, prefix string) []string {
	var out []string
	for _, id := range ids {
		out = append(out, strings.TrimPrefix(id.key, prefix))
	}
	return out
}

// number writes a figure with three digits that mean something.
func number(v float64) string {
	switch a := math.Abs(v); {
	case a >= 100:
		return thousands(int64(math.Round(v)))
	case a >= 10:
		return fmt.Sprintf("%.1f", v)
	default:
		return fmt.Sprintf("%.2f", v)
	}
}

func thousands(v int64) string {
	if v < 0 {
		return "-" + thousands(-v)
	}
	if v < 1000 {
		return fmt.Sprint(v)
	}
	return fmt.Sprintf("%s,%03d", thousands(v/1000), v%1000)
}
