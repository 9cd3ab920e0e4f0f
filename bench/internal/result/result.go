// Package result is the document that every runner prints: one library, one
// workload, one process. WORKLOADS.md describes it for other languages.
package result

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Schema is the version of the document.
const Schema = 1

// ErrDocument: a runner printed something else than a document of this schema.
var ErrDocument = errors.New("not a result document")

// Document has the measurements of one process.
type Document struct {
	Schema          int    `json:"schema"`
	Library         string `json:"library"`
	Title           string `json:"title"`
	Version         string `json:"version"`
	Doc             string `json:"doc"` // the page whose advice was followed
	Runtime         string `json:"runtime"`
	Workload        string `json:"workload"`
	Form            string `json:"form"` // full or quick
	StrayRejections int    `json:"stray_rejections,omitempty"`
	Round           int    `json:"round"` // set by the orchestrator, from 1
	Results         []Cell `json:"results"`
}

// Cell is one measurement. Numbers that a workload does not have are absent.
type Cell struct {
	Params map[string]any `json:"params"`
	// Variant is another documented way to use the library; empty is the usual one.
	Variant string `json:"variant,omitempty"`
	// Reached is how much of the wanted size fitted in the time allowed.
	Reached int    `json:"reached,omitempty"`
	Unit    string `json:"unit"`

	N    int      `json:"n,omitempty"`
	Min  *float64 `json:"min,omitempty"`
	P50  *float64 `json:"p50,omitempty"`
	P99  *float64 `json:"p99,omitempty"`
	Max  *float64 `json:"max,omitempty"`
	Mean *float64 `json:"mean,omitempty"`
	// Value is the one number of a workload that has no distribution.
	Value *float64 `json:"value,omitempty"`

	Metrics map[string]float64 `json:"metrics,omitempty"`
	Right   bool               `json:"right"`
	Want    string             `json:"want,omitempty"`
	Got     string             `json:"got,omitempty"`
	Notes   string             `json:"notes,omitempty"`
	Error   string             `json:"error,omitempty"`
}

// Main is the number by which cells are compared: the median of a distribution, a
// mean, or the one value. ok is false when there is none.
func (c *Cell) Main() (v float64, ok bool) {
	for _, p := range []*float64{c.P50, c.Mean, c.Value} {
		if p != nil {
			return *p, true
		}
	}
	return 0, false
}

// Key names the cell within its workload, such as "pending=1000".
func (c *Cell) Key() string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(c.Params)) {
		parts = append(parts, fmt.Sprintf("%s=%v", name, c.Params[name]))
	}
	return strings.Join(parts, ",")
}

// Decode reads one document and checks that it is of this schema.
func Decode(data []byte) (*Document, error) {
	var d Document
	if err := json.Unmarshal(data, &d); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDocument, err)
	}
	switch {
	case d.Schema != Schema:
		return nil, fmt.Errorf("%w: schema %d, not %d", ErrDocument, d.Schema, Schema)
	case d.Library == "" || d.Workload == "":
		return nil, fmt.Errorf("%w: no library or workload", ErrDocument)
	}
	for i := range d.Results {
		if d.Results[i].Unit == "" {
			return nil, fmt.Errorf("%w: result %d has no unit", ErrDocument, i)
		}
	}
	return &d, nil
}
