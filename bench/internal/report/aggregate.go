// Package report turns the documents of a run into a table, a plot and a file for
// benchstat.
package report

import (
	"slices"

	"github.com/optimist-go/optimist/bench/internal/result"
	"github.com/optimist-go/optimist/bench/internal/runner"
)

// ours is the library to which ratios relate.
const ours = "optimist"

// column is a library, or a variant of one, as the tables show it.
type column struct {
	library, title, version, doc, variant string
}

func (c column) key() string { return c.library + "/" + c.variant }

func (c column) label() string {
	if c.variant != "" {
		return c.title + " (" + c.variant + ")"
	}
	return c.title
}

// cellID is a cell of the tables: a workload and its parameters.
type cellID struct{ workload, key string }

// merged are all rounds of one cell of one column.
type merged struct {
	cells []result.Cell
}

// main is the median, over the rounds, of the number that is compared, with the
// smallest and the largest; ok is false when no round has one.
func (m merged) main() (median, low, high float64, ok bool) {
	var values []float64
	for i := range m.cells {
		if v, has := m.cells[i].Main(); has {
			values = append(values, v)
		}
	}
	if len(values) == 0 {
		return 0, 0, 0, false
	}
	return result.Median(values), slices.Min(values), slices.Max(values), true
}

// p99 is the median over the rounds of the 99th percentile.
func (m merged) p99() (float64, bool) {
	var values []float64
	for i := range m.cells {
		if m.cells[i].P99 != nil {
			values = append(values, *m.cells[i].P99)
		}
	}
	return result.Median(values), len(values) > 0
}

// metric is the median over the rounds of a metric.
func (m merged) metric(name string) (float64, bool) {
	var values []float64
	for i := range m.cells {
		if v, ok := m.cells[i].Metrics[name]; ok {
			values = append(values, v)
		}
	}
	return result.Median(values), len(values) > 0
}

// right reports whether every round was right.
func (m merged) right() bool {
	return !slices.ContainsFunc(m.cells, func(c result.Cell) bool { return !c.Right })
}

// got is the end of the first wrong round, or else of the first round.
func (m merged) got() string {
	for _, c := range m.cells {
		if !c.Right {
			if c.Error != "" {
				return c.Error
			}
			return c.Got
		}
	}
	return m.cells[0].Got
}

// notes are the notes of the round that came least far.
func (m merged) notes() string {
	least := slices.MinFunc(m.cells, func(a, b result.Cell) int { return a.Reached - b.Reached })
	return least.Notes
}

// short reports whether a round did not reach its size.
func (m merged) short() bool {
	return slices.ContainsFunc(m.cells, func(c result.Cell) bool { return c.Notes != "" })
}

// table is a run, merged over its rounds.
type table struct {
	columns []column
	ids     []cellID // in the order of the runners
	cells   map[cellID]map[string]merged
	failed  map[string]string // workload/library -> why it has no results
}

// merge arranges a run. Columns come in the order of their first results in round 1.
func merge(run *runner.Run) *table {
	t := &table{cells: map[cellID]map[string]merged{}, failed: map[string]string{}}
	for _, d := range run.Documents {
		for _, c := range d.Results {
			if c.Unit == "none" {
				t.failed[d.Workload+"/"+d.Library] = c.Error
				continue
			}
			t.add(d, c)
		}
	}
	// Variants stand beside the library that they belong to.
	order := map[string]int{}
	for i, c := range t.columns {
		if _, ok := order[c.library]; !ok {
			order[c.library] = i
		}
	}
	slices.SortStableFunc(t.columns, func(a, b column) int { return order[a.library] - order[b.library] })
	return t
}

func (t *table) add(d *result.Document, c result.Cell) {
	col := column{d.Library, d.Title, d.Version, d.Doc, c.Variant}
	if !slices.ContainsFunc(t.columns, func(o column) bool { return o.key() == col.key() }) {
		t.columns = append(t.columns, col)
	}
	id := cellID{d.Workload, c.Key()}
	if t.cells[id] == nil {
		t.cells[id] = map[string]merged{}
		t.ids = append(t.ids, id)
	}
	m := t.cells[id][col.key()]
	m.cells = append(m.cells, c)
	t.cells[id][col.key()] = m
}

// idsOf are the cells of a workload in order of size.
func (t *table) idsOf(workload string) []cellID {
	var out []cellID
	for _, id := range t.ids {
		if id.workload == workload {
			out = append(out, id)
		}
	}
	return out
}

// columnsOf are the columns with results in a workload.
func (t *table) columnsOf(workload string) []column {
	var out []column
	for _, c := range t.columns {
		for _, id := range t.idsOf(workload) {
			if _, ok := t.cells[id][c.key()]; ok {
				out = append(out, c)
				break
			}
		}
	}
	return out
}
