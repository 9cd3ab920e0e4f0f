package result_test

import (
	"errors"
	"math"
	"testing"

	"github.com/optimist-go/optimist/bench/internal/result"
)

func TestDecodeRefusesOtherDocuments(t *testing.T) {
	for _, data := range []string{
		``, `[]`, `{}`, `{"schema": 2, "library": "a", "workload": "W1"}`,
		`{"schema": 1, "workload": "W1"}`, `{"schema": 1, "library": "a"}`,
		`{"schema": 1, "library": "a", "workload": "W1", "results": [{}]}`,
	} {
		if _, err := result.Decode([]byte(data)); !errors.Is(err, result.ErrDocument) {
			t.Errorf("%s: %v", data, err)
		}
	}
}

func TestCellIsNamedByItsParameters(t *testing.T) {
	d, err := result.Decode([]byte(`{"schema": 1, "library": "a", "workload": "W5",
		"results": [{"params": {"pushes": 10, "pending": 10}, "unit": "us", "p50": 2, "value": null}]}`))
	if err != nil {
		t.Fatal(err)
	}
	c := d.Results[0]
	if got := c.Key(); got != "pending=10,pushes=10" {
		t.Errorf("key %q", got)
	}
	if v, ok := c.Main(); !ok || v != 2 {
		t.Errorf("main %v, %v", v, ok)
	}
}

func TestQuantileAndMedian(t *testing.T) {
	sorted := []float64{1, 2, 3, 4}
	for q, want := range map[float64]float64{0: 1, 0.25: 1, 0.5: 2, 0.99: 4, 1: 4} {
		if got := result.Quantile(sorted, q); got != want {
			t.Errorf("quantile %v is %v, want %v", q, got, want)
		}
	}
	if got := result.Median([]float64{100, 9, 10}); got != 10 {
		t.Errorf("median of three: %v", got)
	}
	if got := result.Median([]float64{4, 1, 2, 3}); got != 2.5 {
		t.Errorf("median of four: %v", got)
	}
	if !math.IsNaN(result.Median(nil)) || !math.IsNaN(result.Quantile(nil, 0.5)) {
		t.Error("of nothing: not NaN")
	}
}
