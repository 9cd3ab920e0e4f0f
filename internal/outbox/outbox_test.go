package outbox

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/optimist-go/optimist/internal/engine"
	"github.com/optimist-go/optimist/journal"
)

// entry is one whole record, as of an operation of an earlier life.
func entry(seq uint64, data string) Entry { return Entry{Seq: seq, Data: []byte(data)} }

// take takes the next write and tells its records, as "seq data" and "seq end".
func take(b *Outbox) (*Write, string) {
	write := b.Next(1, 2)
	if write == nil {
		return nil, ""
	}
	var told []string
	for _, r := range write.Records(nil) {
		switch {
		case r.Seq == 0:
			told = append(told, "header")
		case r.Settled:
			told = append(told, fmt.Sprint(r.Seq, " end"))
		default:
			told = append(told, fmt.Sprintf("%d %s", r.Seq, r.Data))
		}
	}
	return write, strings.Join(told, ", ")
}

func want(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s: %q, want %q", what, got, want)
	}
}

func TestWritesHoldWhatHasComeUpInItsOrder(t *testing.T) {
	b := New()
	if b.Start() {
		t.Error("a writer begins although there is nothing to write")
	}
	b.Put(entry(3, "x"))
	b.Put(entry(1, "y"))
	if !b.Start() || b.Start() {
		t.Error("not exactly one writer began")
	}
	first, told := take(b)
	want(t, "the first write", told, "3 x, 1 y")
	b.Put(entry(3, "z")) // while that is written
	b.Wrote(first, nil, 0)
	_, told = take(b)
	want(t, "the second write", told, "3 z")
	if write, _ := take(b); write != nil || b.Writing() {
		t.Error("the writer goes on although all is written")
	}
}

func TestWhatIsRefusedIsSaidAgainFirst(t *testing.T) {
	b := New()
	refused := fmt.Errorf("full: %w", journal.ErrRefused)
	b.Put(entry(1, "old"))
	b.Put(entry(1, "new"))
	b.end(2, "")
	b.Start()
	write, _ := take(b)
	b.Wrote(write, refused, 100)
	if write, _ := take(b); write != nil {
		t.Fatal("what was refused is written at once")
	}
	if due := b.Due(); due != 100+firstPause {
		t.Errorf("it is due at %d", due)
	}
	if err := b.Owed(); !errors.Is(err, ErrNotOnDisk) || !errors.Is(err, journal.ErrRefused) {
		t.Errorf("one end is owed, and it says %v", err)
	}
	b.Tick(100 + firstPause - 1)
	if b.Start() {
		t.Error("it is written too early")
	}
	b.Tick(100 + firstPause)
	b.Put(entry(3, "later"))
	b.Start()
	write, told := take(b)
	want(t, "the next write", told, "1 new, 2 end, 3 later, header")
	b.Wrote(write, refused, 200)
	take(b)
	if due := b.Due(); due != 200+2*firstPause {
		t.Errorf("the second time it is due at %d", due)
	}
	b.Touch()
	b.Start()
	write, _ = take(b)
	b.Wrote(write, nil, 300)
	take(b)
	if err := b.Owed(); err != nil || b.Unsaid() || b.Due() != engine.Never {
		t.Errorf("all is written, and it owes %v", err)
	}
}

func TestADeadJournalIsOwedTheEndsForGood(t *testing.T) {
	b := New()
	b.end(1, "")
	b.Put(entry(2, "x"))
	b.Start()
	write, _ := take(b)
	b.end(3, "") // while the write fails
	b.Wrote(write, journal.ErrFailed, 0)
	if !b.Dead() || b.Put(entry(4, "y")) {
		t.Fatal("a dead journal takes more")
	}
	late := b.Next(1, 2)
	late.Abandon()
	b.Wrote(late, b.Failed(), 0)
	take(b)
	if err := b.Owed(); err == nil || !strings.Contains(err.Error(), ": 2 of them") {
		t.Errorf("two ends are owed, and it says %v", err)
	}
	if b.Start() || b.Due() != engine.Never {
		t.Error("it goes on writing")
	}
}

func TestArgumentsThatCannotBeEncodedHarmNobody(t *testing.T) {
	b := New()
	typ := &engine.Type{Name: "like"}
	bad, good := &engine.Op{Type: typ}, &engine.Op{Type: typ}
	b.Put(Entry{Op: bad, Seq: 1, First: true})
	b.Put(Entry{Op: good, Seq: 2, First: true})
	b.Put(Entry{Op: good, Seq: 3, Data: make([]byte, journal.MaxData)})
	b.Start()
	write := b.Next(1, 2)
	records := write.Records(func(e *Entry) error {
		if e.Op == bad {
			return errors.New("no")
		}
		e.ID = "x"
		return nil
	})
	if len(records) != 1 || records[0].Seq != 2 {
		t.Errorf("it writes %v", records)
	}
	if !slices.Equal(write.Bad, []*engine.Op{bad, good}) || !errors.Is(write.BadErr, journal.ErrTooLarge) {
		t.Errorf("bad are %v, for %v", write.Bad, write.BadErr)
	}
	if held := b.Wrote(write, nil, 0); !slices.Equal(held, []*engine.Op{good}) {
		t.Errorf("the journal holds %v", held)
	}
}

// left is the record of an operation of an earlier life, at a position and with dependencies.
func left(seq, pos uint64, deps ...uint64) journal.Record {
	return journal.Record{Seq: seq, Data: (&Record{ID: fmt.Sprint(seq), Pos: pos, Store: "s", Deps: deps}).Encode()}
}

func TestAReplacedRecordEndsAndItsDependentsFollow(t *testing.T) {
	b := New()
	h, ops, err := b.Load([]journal.Record{
		{Data: Header{Client: "me", Clock: 5, Seq: 3}.Encode()},
		left(1, 1), left(2, 2, 1), left(4, 1), // 4 took the place of 1
	})
	if err != nil || h.Client != "me" || h.Seq != 4 || len(ops) != 3 {
		t.Fatalf("it loaded %+v, %d operations, %v", h, len(ops), err)
	}
	var order []uint64
	for _, l := range b.Begin() {
		order = append(order, l.Seq)
	}
	if !slices.Equal(order, []uint64{4, 2}) {
		t.Errorf("restored are %v", order)
	}
	b.Start()
	write := b.Next(1, 2)
	var told []string
	for _, r := range write.Records(nil) {
		var now Record
		if !r.Settled {
			now, _ = decodeRecord(r.Data)
		}
		told = append(told, fmt.Sprint(r.Seq, r.Settled, now.Deps))
	}
	want(t, "written", strings.Join(told, ", "), "1 true [], 2 false [4]")
}

func TestQuarantineFollowsWhatItDependsOn(t *testing.T) {
	b := New()
	b.Load([]journal.Record{left(1, 1), left(2, 2, 1), left(3, 3, 2), left(4, 4), {Seq: 5, Data: []byte{99}}})
	for _, l := range b.Begin() {
		b.Reject(l)
	}
	if in := b.Quarantine(); len(in) != 5 || in[0].Seq != 5 {
		t.Fatalf("in quarantine are %v", in)
	}
	gone := b.Discard(1)
	if len(gone) != 2 || gone[0].Seq != 2 || gone[1].Seq != 3 {
		t.Errorf("2 and 3 depend on 1, and gone are %v", gone)
	}
	if in := b.Quarantine(); in[1].Seq == 1 {
		t.Error("it is still in quarantine")
	}
	b.Forget()
	b.Start()
	_, told := take(b)
	want(t, "written", told, "1 end, 2 end, 3 end, 5 end, 4 end")
}

func TestTimesOutliveTheProcess(t *testing.T) {
	const ms = engine.Time(1e6)
	epoch := 1000 * ms
	k := Keep(engine.Kept{Used: 7*ms + 1, NotBefore: 500 * ms}, epoch)
	if k.Used != 7 || k.NotBefore != 1500 {
		t.Errorf("kept %+v", k)
	}
	for name, c := range map[string]struct{ wall, latest, left engine.Time }{
		"soon":                  {1200 * ms, 0, 300 * ms},
		"late":                  {1600 * ms, 0, 0},
		"a clock set back":      {1100 * ms, 1400, 100 * ms},
		"a clock far in future": {1100 * ms, engine.Never, 0},
	} {
		got := Revive(k, 10, c.wall, c.latest)
		if got.Used != 7*ms || got.NotBefore != 10+c.left {
			t.Errorf("%s: revived %+v", name, got)
		}
	}
	if got := Keep(engine.Kept{NotBefore: engine.Never}, epoch); got.NotBefore <= 0 {
		t.Errorf("kept %+v", got)
	}
}

func TestWhoWaitsIsToldOfTheWriteWithTheRecords(t *testing.T) {
	b := New()
	b.Put(entry(1, "x"))
	b.Start()
	first := b.Await()
	write, _ := take(b)
	b.Put(entry(2, "y"))
	second := b.Await()
	b.Wrote(write, journal.ErrRefused, 0)
	select {
	case <-second.Done:
		t.Error("the second was told of the first write")
	case <-first.Done:
	default:
		t.Error("nobody was told")
	}
	if !errors.Is(first.Err, journal.ErrRefused) || first.Owed != nil {
		t.Errorf("told %v, %v", first.Err, first.Owed)
	}
	write, _ = take(b)
	b.Wrote(write, nil, 0)
	<-second.Done
	last := b.Await()
	take(b)
	<-last.Done // nothing was queued, and the writer has ended
}

func TestAProgramIsRemindedOnceOfRecordsThatWait(t *testing.T) {
	b := New()
	if b.RestoreBy() != engine.Never {
		t.Error("nothing waits, and it is reminded")
	}
	b.Load([]journal.Record{left(1, 1)})
	if by := b.RestoreBy(); by != restoreWithin {
		t.Errorf("it is reminded at %d", by)
	}
	if !b.Remind() || b.Remind() || b.RestoreBy() != engine.Never {
		t.Error("it is not reminded once")
	}
}

// TestShortenedIsText: a long reason is cut between two characters.
func TestShortenedIsText(t *testing.T) {
	if text := strings.Repeat("a", 1000); shortened(text) != text {
		t.Error("a short reason was cut")
	}
	for lead := range 4 {
		for _, c := range []string{"é", "€", "😀"} {
			text := strings.Repeat("a", lead) + strings.Repeat(c, 1000)
			got := shortened(text)
			head, cut := strings.CutSuffix(got, "...")
			if !cut || !utf8.ValidString(got) || !strings.HasPrefix(text, head) || len(head) <= 1000-len(c) || len(head) > 1000 {
				t.Errorf("%s after %d: %d bytes, ends with %q", c, lead, len(head), got[len(got)-8:])
			}
		}
	}
	if got := shortened(strings.Repeat("\x80", 2000)); len(got) < 997 || len(got) > 1003 {
		t.Errorf("a reason that is no text: %d bytes", len(got))
	}
}
