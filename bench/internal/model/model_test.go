package model_test

import (
	"bytes"
	"fmt"
	"os/exec"
	"testing"

	"github.com/optimist-go/optimist/bench/internal/model"
)

func TestApplyLeavesItsInputAlone(t *testing.T) {
	before := model.Initial()
	after := model.Apply(before, model.Op{Kind: model.Push, Item: "b"})
	if !model.Equal(before, model.Initial()) {
		t.Errorf("the state given is now %+v", before)
	}
	if len(after.List) != 2 || model.Equal(before, after) {
		t.Errorf("after a push: %+v", after)
	}
}

func TestStormKeepsItsRates(t *testing.T) {
	const n = 20_000
	var seen [4]int
	for op := range uint32(n) {
		seen[model.Storm(op+1, 0)]++
	}
	for outcome, want := range map[model.Outcome]float64{
		model.Permanent: 0.05, model.Transient: 0.95 * 0.30, model.Lost: 0.95 * 0.05,
	} {
		if got := float64(seen[outcome]) / n; got < want*0.9 || got > want*1.1 {
			t.Errorf("outcome %d: share %.3f, want about %.3f", outcome, got, want)
		}
	}
}

// Both runners must draw the same faults.
func TestDrawAgreesWithNode(t *testing.T) {
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("node is not installed")
	}
	script := `import { draw } from '../../rivals/lib/model.mjs';
for (let op = 0; op < 50; op++) for (let a = 0; a < 4; a++) console.log((draw(1 + op % 3, op, a) * 2 ** 32).toFixed(0));`
	out, err := exec.Command(node, "--input-type=module", "-e", script).Output()
	if err != nil {
		t.Fatalf("node: %v", err)
	}
	var want bytes.Buffer
	for op := range uint32(50) {
		for a := range uint32(4) {
			fmt.Fprintf(&want, "%.0f\n", model.Draw(1+op%3, op, a)*(1<<32))
		}
	}
	if !bytes.Equal(out, want.Bytes()) {
		t.Error("node draws other numbers")
	}
}
