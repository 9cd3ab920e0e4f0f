package sim

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

var (
	withFaults = flag.Bool("sim.faults", false, "put deliberate faults into the library, one at a time, and see that the simulation finds them")
	onlyFaults = flag.String("sim.faults.only", "", "only those that say this")
)

// fault is a promise, and how to break it.
type fault struct {
	what  string
	edits []change
}

// change replaces old, which occurs once in a file.
type change struct{ file, old, new string }

var faults = []fault{
	{"every attempt has a key of its own", []change{{"call.go",
		`ID: f.h.id(f.restored), Args:`, `ID: f.h.id(f.restored) + "xxxxxxxx"[:min(f.n-1, 8)], Args:`}}},
	{"a restored operation gets a new key", []change{{"restore.go",
		"ID: r.ID, Seq: l.Seq", "ID: \"new\" + r.ID, Seq: l.Seq"}}},
	{"stale truth is taken", []change{{"internal/engine/truth.go",
		"case t.Version != 0 && held && t.Version < max(ent.version, ent.floor):", "case false:"}}},
	{"operations leave before they are on disk", []change{{"internal/engine/lane.go",
		"o.Type.Stored && o.journal != journaled", "false"}, {"send.go", "if m.disk != nil {\n\t\tif not", "if false {\n\t\tif not"}}},
	{"the journal does not know of attempts", []change{{"send.go",
		"if m.disk != nil {\n\t\tif not", "if false {\n\t\tif not"}}},
	{"a change may be earlier than the truth that it changes", []change{{"internal/engine/truth.go",
		"ent.latest = max(ent.latest, t.At)", ""}}},
	{"the journal does not hear of ends", []change{{"effects.go",
		"m.endJournaledLocked(o)", "_ = m"}}},
	{"a refused end is forgotten", []change{{"internal/outbox/outbox.go",
		"\tb.unsaid = unsaid", "\t_ = unsaid"}}},
	{"an unknown outcome is called a failure", []change{{"internal/engine/answer.go",
		"case silent && (!next.Again || r.Max >= 0 && int(o.attempts) > r.Max):", "case false:"}, {"internal/engine/answer.go",
		"r.Max < 0 || o.answeredAttempts() <= r.Max,", "r.Max < 0 || int(o.attempts) <= r.Max,"}}},
	{"an unknown outcome does not hold back its lane", []change{{"internal/engine/answer.go",
		"if silent {\n\t\to.unknown = true\n", "if silent {\n\t\te.fail(o, in.Err)\n\t\treturn\n"}}},
	{"dependents outlive the operation that they depend on", []change{{"internal/engine/fold.go",
		"e.condemn(n, o, e.dependencyErr(o, err))", "_ = n"}}},
	{"dependents do not wait", []change{{"internal/engine/lane.go",
		"if !free || e.waitsForDependency(o) {", "if !free {"}}},
	{"an acknowledged operation leaves the view before its truth comes", []change{{"internal/engine/answer.go",
		"\t\te.ack(o, max(t.Version, t.Wrote))\n", "\t\te.confirm(o, ent)\n"}}},
	{"rolling back does not fold again", []change{{"internal/engine/entity.go",
		"\te.markDirty(ent, p.next)\n\tif ent.dirty == p {", "\tif ent.dirty == p {"}}},
	{"an operation does not wait for those before it", []change{{"internal/engine/lane.go",
		"if l.flight != nil || l.first == nil || l.first.op != o {", "if l.first == nil {"}}},
	{"an operation that has left can still be merged into", []change{{"internal/engine/execute.go",
		"if older.frozen() {", "if false {"}}},
	{"a group ends when one of its entities tells of it", []change{{"internal/engine/truth.go",
		"all = all && p.contained", "all = all || p.contained"}}},
	{"what has ended is written to the journal again", []change{{"internal/engine/settle.go",
		"\te.pending--\n", "\te.pending--\n\tdefer e.emit(Effect{Kind: Persist, Op: o, Rewrite: true})\n"}}},
	{"a value from before the write confirms it", []change{{"internal/engine/answer.go",
		"\tcase in.lags(ent):\n\t\te.ack(o, in.Truth.Wrote)\n", ""}}},
	{"a read without version undoes operations that settled since it began", []change{{"internal/engine/truth.go",
		"case ent.outdates(t):", "case false:"}}},
	{"nothing stands on a creation", []change{{"internal/engine/execute.go",
		"p.stands = p.entity.creations > 0 &&", "p.stands = false &&"}}},
	{"an operation that stands on a creation outlives it", []change{{"internal/engine/creation.go",
		"\t\te.condemn(o, creation, e.dependencyErr(creation, why))\n\tcase o.state", "\t\te.free(l.part)\n\tcase o.state"}}},
	{"after a restart nothing stands on a creation", []change{{"internal/engine/restore.go",
		"case !in.Stands:", "case true:"}}},
	{"a deletion is sent although there is nothing to delete", []change{{"internal/engine/creation.go",
		"(l.reached || presence == Present || l.part.entity.inDoubt()) &&", "(true || presence == Present) &&"}}},
	{"an acknowledged operation is sent again after a restart", []change{{"internal/engine/restore.go",
		"case in.Acked:", "case false:"}}},
	{"a restart forgets the attempts that were answered", []change{{"internal/engine/kept.go",
		"uint16(k.Calls), uint16(k.Attempts)", "uint16(k.Calls), uint16(0)"}}},
	{"answered attempts do not count after a silent one", []change{{"internal/engine/answer.go",
		"r.Max < 0 || o.answeredAttempts() <= r.Max,", "r.Max < 0 || o.unknown || o.answeredAttempts() <= r.Max,"}}},
	{"the first name is on the wire", []change{{"names.go",
		"entity = ent.Space().ServerName(ent.ID())", "entity = ent.ID()"}}},
	{"operations do not wait for the name of an entity to which they refer", []change{{"internal/engine/names.go",
		"case c != nil && !slices.Contains(in.After, c):", "case false:"}, {"internal/engine/names.go", "\t\t\twait = true\n", ""}}},
	{"a push that contains a creation tells no name", []change{{"internal/engine/names.go",
		"if p.kind() == Create && e.names(in.Truth, p.op) {", "if false {"}}},
	{"a creation succeeds without a name", []change{{"internal/engine/answer.go",
		"case o.makesNameless():\n\t\to.state", "case false:\n\t\to.state"}}},
	{"the journal does not know the names", []change{{"names.go",
		"m.disk.out.PutName(", "_ = ("}}},
	{"two with the names of one stay two", []change{{"internal/engine/unite.go",
		"if !e.unite(p) {", "if false && !e.unite(p) {"}}},
	{"an entity in doubt loses its names when all is cleared", []change{{"internal/engine/settle.go",
		"if t.entity.doubt == nil {\n\t\t\te.release", "if true {\n\t\t\te.release"}}},
	{"an undo overwrites a later wish", []change{{"internal/engine/undo.go",
		"case o.changedSince():", "case false:"}}},
	{"an undo forgets the wish that was superseded", []change{{"internal/engine/undo.go",
		"case unsent && b != nil && b.superseded != nil:", "case false:"}}},
	{"an undo forgets the value that its user saw", []change{{"internal/engine/undo.go",
		"return Undoing{Way: Invert, Value: b.value, Presence: b.presence}, nil", "return Undoing{Way: Invert, Presence: b.presence}, nil"}}},
	{"a second undo is another one", []change{{"internal/engine/undo.go",
		"if by := o.UndoneBy(); by != nil {", "if by := o.UndoneBy(); by != nil && by.state != Waiting {"}}},
	{"a reason outlives its debounce", []change{{"internal/engine/why.go",
		"case o.due > e.now && !o.left && asked <= o.due:", "case !o.left && asked <= o.due:"}}},
	{"nobody says that a retry is the reason", []change{{"internal/engine/why.go",
		"case max(o.due, asked) > e.now:", "case asked > e.now:"}}},
	{"versions of an earlier era are kept", []change{{"internal/engine/era.go",
		"ent.version, ent.floor, ent.unversioned, ent.derived = 0, 0, false, true", "ent.derived = true"}}},
	{"an acknowledged operation is not sent again in a new era", []change{{"internal/engine/era.go",
		"} else if o.state == Acked {\n\t\t\te.ackLost(o)\n\t\t}", "}"}}},
	{"an operation acknowledged in an earlier life is not sent again in a new era", []change{{"internal/engine/restore.go",
		"outlived := in.Acked && e.era != e.cfg.Era", "outlived := false"}}},
	{"an answer from an earlier era counts", []change{{"internal/engine/era.go",
		"case era == 0 && !outlived || era == e.era && era != 0:", "case era == 0 && (outlived || !outlived) || era == e.era:"}}},
	{"truth of an earlier era is taken", []change{{"internal/engine/era.go",
		"return t.Era != 0 && t.Era < e.era || t.Era == 0", "return t.Era == 0"}}},
	{"truth read in an earlier era is taken", []change{{"internal/engine/era.go",
		" || t.Era == 0 && t.ReadAt != 0 && t.ReadAt < e.eraSince", ""}}},
	{"the journal forgets the era", []change{{"effects.go",
		"m.disk.out.SetEra(m.engine.Era())", "_ = m"}}},
	{"the journal does not say again the era that it held", []change{{"internal/outbox/loaded.go",
		"\t\tb.era = h.Era\n", ""}}},
	{"a change that vanished with its era is told without the cause", []change{{"internal/engine/engine.go",
		"if t.outlived {", "if false {"}}},
	{"the cause is told with every change of the new era", []change{{"internal/engine/era.go",
		"\tent.outlived = false\n\te.touch(ent)", "\te.touch(ent)"}}},
	{"nothing is read when an era begins", []change{{"internal/engine/era.go",
		"if ent.space.Readable {", "if false {"}}},
	{"a hole in the pieces is not noticed", []change{{"internal/engine/piece.go",
		"case in.Follows != ent.version || ", "case "}}},
	{"a piece is put on a prediction", []change{{"internal/engine/truth.go",
		"ent.predicted, ent.derived = true, true", "ent.predicted = true"}}},
	{"a piece that is older is refused", []change{{"internal/engine/piece.go",
		"case t.Version <= ent.version || t.Version < ent.floor:", "case false:"}}},
	{"a refused piece is not read", []change{{"internal/engine/piece.go",
		"if ent.space.Readable {", "if false {"}}},
	{"a refused piece is not read while a read runs", []change{{"internal/reread/reread.go",
		"r.anew = r.anew || again", "r.anew = false && again"}}},
	{"a page takes truth that is older", []change{{"internal/engine/piece.go",
		"\t\te.touch(ent)\n\t\te.adopt(ent, t.Truth)", "\t\te.touch(ent)\n\t\tent.version, ent.floor = 0, 0\n\t\te.adopt(ent, t.Truth)"}}},
	{"a page is told before it is folded", []change{{"internal/engine/piece.go",
		"\t\te.adopt(ent, t.Truth)\n\t}\n", "\t\te.adopt(ent, t.Truth)\n\t}\n\te.announce()\n"}}},
	{"a page enters truth by truth", []change{{"piece.go",
		"return s.m.taking(&engine.Page{Truths: all}, truths, with...)",
		"for i := range all {\n\t\tif err := s.m.taking(&engine.Page{Truths: all[i : i+1]}, truths[i:i+1]); err != nil {\n\t\t\treturn err\n\t\t}\n\t}\n\treturn nil"}}},
	{"callbacks run twice", []change{{"effects.go",
		"settled = append(settled, typ.settled)", "settled = append(settled, typ.settled, typ.settled)"}}},
}

// TestFaultsFit checks that the code that the faults change exists.
func TestFaultsFit(t *testing.T) {
	for _, f := range faults {
		if _, err := f.overlay("../..", t.TempDir()); err != nil {
			t.Errorf("%s: %v", f.what, err)
		}
	}
}

// TestFaultsAreFound builds the simulation over a library with one fault at a time. The
// files of the library are not touched.
func TestFaultsAreFound(t *testing.T) {
	if !*withFaults {
		t.Skip("compiles the library once for each fault; -sim.faults does it")
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range faults {
		if !strings.Contains(f.what, *onlyFaults) {
			continue
		}
		overlay, err := f.overlay(root, t.TempDir())
		if err != nil {
			t.Errorf("%s: %v", f.what, err)
			continue
		}
		out, err := exec.Command("go", "test", "-overlay", overlay, "-run", "TestSimulation", "-timeout", "2m",
			"-args", "-sim.shrink=false").CombinedOutput()
		switch found := strings.Contains(string(out), "run again:"); {
		case err == nil:
			t.Errorf("%s: not found", f.what)
		case !found:
			t.Errorf("%s: fails otherwise:\n%.2000s", f.what, out)
		default:
			t.Logf("%s:\n\tfound by %s", f.what, verdictOf(string(out)))
		}
	}
}

// overlay writes the wrong files into dir, and says to the go command where they belong.
func (f fault) overlay(root, dir string) (string, error) {
	replace := make(map[string]string)
	for i, c := range f.edits {
		file := filepath.Join(root, c.file)
		before := file
		if wrong, ok := replace[file]; ok {
			before = wrong
		}
		right, err := os.ReadFile(before)
		if err != nil {
			return "", err
		}
		if n := strings.Count(string(right), c.old); n != 1 {
			return "", fmt.Errorf("the code to change occurs %d times in %s", n, c.file)
		}
		replace[file] = filepath.Join(dir, fmt.Sprintf("wrong%d.go", i))
		if err := os.WriteFile(replace[file], []byte(strings.Replace(string(right), c.old, c.new, 1)), 0o644); err != nil {
			return "", err
		}
	}
	list, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	overlay := filepath.Join(dir, "overlay.json")
	return overlay, os.WriteFile(overlay, list, 0o644)
}

// verdictOf is the first problem in the output of a failed run.
func verdictOf(out string) string {
	_, rest, _ := strings.Cut(out, "sim_test.go:")
	_, rest, _ = strings.Cut(rest, ": ")
	line, _, _ := strings.Cut(rest, "\n")
	return line
}
