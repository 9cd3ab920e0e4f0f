package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// listener collects the events of a stream.
type listener struct {
	events []Event
	last   Cursor
	told   time.Time // the last event
	err    error
	end    context.CancelFunc
	ended  bool
	hold   chan struct{} // when not nil: is waited for before each event is taken
}

func listen(t *testing.T, k *Kit, viewer string, after Cursor) *listener {
	return listenSlowly(t, k, viewer, after, nil)
}

func listenSlowly(t *testing.T, k *Kit, viewer string, after Cursor, hold chan struct{}) *listener {
	ctx, cancel := context.WithCancel(t.Context())
	l := &listener{end: cancel, hold: hold}
	go func() {
		for e, err := range k.Stream(ctx, viewer, after) {
			if hold != nil && len(l.events) > 0 {
				<-hold
			}
			l.events, l.err, l.told = append(l.events, e), err, time.Now()
			if !e.Cursor.IsZero() {
				l.last = e.Cursor
			}
		}
		l.ended = true
	}()
	synctest.Wait()
	return l
}

// truths returns the views that were told, the latest of each entity.
func (l *listener) truths(t *testing.T) map[string]string {
	t.Helper()
	latest := make(map[string]string)
	for _, e := range l.events {
		if e.Name != EventTruth {
			continue
		}
		var v struct {
			ID       string
			Version  int
			Contains []string
			State    fakePost
		}
		if err := json.Unmarshal(e.Data, &v); err != nil {
			t.Fatal(err)
		}
		latest[v.ID] = fmt.Sprint(v.Version, v.State.Likes, v.State.Liked, v.Contains)
	}
	return latest
}

func (l *listener) names() (names []string) {
	for _, e := range l.events {
		names = append(names, e.Name)
	}
	return names
}

func TestEachChangeIsReadOnceHoweverManyStreamsThereAre(t *testing.T) {
	for _, streams := range []int{1, 500} {
		synctest.Test(t, func(t *testing.T) {
			db := newFakeDB()
			k := openKit(t, db)
			var all []*listener
			for i := range streams {
				all = append(all, listen(t, k, fmt.Sprint("user-", i), Cursor{}))
			}
			pass(time.Second)
			db.mu.Lock()
			db.asked.entries, db.asked.moments, db.asked.rows, db.asked.shared, db.asked.own, db.asked.contains = 0, 0, 0, 0, 0, 0
			db.mu.Unlock()
			for range 3 {
				db.like("a", "user-0")
				db.like("b", "somebody")
				pass(time.Second)
			}
			asked := db.asked
			if asked.entries > 6 || asked.moments != 3 || asked.rows != 3 || asked.shared != 3 || asked.own != 3 || asked.contains != 3 {
				t.Errorf("beside %d streams three changes were read by %+v", streams, asked)
			}
			for i, l := range all {
				want := map[string]string{"a": "3 3 false []", "b": "3 3 false []"}
				if i == 0 {
					want["a"] = "3 3 true [k0 k1 k2]"
				}
				if got := l.truths(t); fmt.Sprint(got) != fmt.Sprint(want) || l.last.String() != "1.6" || len(l.events) != 7 {
					t.Fatalf("stream %d is at %v with %v after %d events; want %v", i, l.last, got, len(l.events), want)
				}
			}
			if streams > 2 && &all[1].events[1].Data[0] != &all[2].events[1].Data[0] {
				t.Error("the frame of viewers without anything of their own is encoded more than once")
			}
		})
	}
}

// TestTheReaderRestsOnlyBetweenRounds: while it wakes a thousand streams the time passes.
// A change that comes then waits as long again, and one that comes later does not.
func TestTheReaderRestsOnlyBetweenRounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := newFakeDB()
		k := openKit(t, db)
		var all []*listener
		for range 1000 {
			all = append(all, listen(t, k, "ada", Cursor{}))
		}
		pass(time.Second)
		first, last := time.Time{}, time.Time{}
		like := func() (waited time.Duration) {
			liked := time.Now()
			db.like("a", "bob")
			pass(time.Second)
			first, last = all[0].told, all[0].told
			for _, l := range all {
				if first.After(l.told) {
					first = l.told
				}
				if last.Before(l.told) {
					last = l.told
				}
			}
			return first.Sub(liked)
		}
		for n := range 3 {
			if waited := like(); waited != gather {
				t.Errorf("change %d is told after %v, and not %v", n+1, waited, gather)
			}
		}
		took := last.Sub(first)
		db.like("a", "bob")
		time.Sleep(gather + took) // until the last stream is woken
		if waited := like(); took == 0 || waited != took {
			t.Errorf("a change right after a round that took %v is told after %v", took, waited)
		}
	})
}

func TestWithoutStreamsNothingIsRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := newFakeDB()
		k := openKit(t, db)
		l := listen(t, k, "ada", Cursor{})
		l.end()
		pass(time.Second)
		before := db.asked
		for range 10 {
			db.like("a", "bob")
			pass(time.Second)
		}
		if db.asked != before {
			t.Errorf("without a stream the database was asked: %+v, %+v", before, db.asked)
		}
		if l = listen(t, k, "ada", Cursor{}); l.last.String() != "1.10" {
			t.Errorf("a stream then begins at %v", l.last)
		}
	})
}

func TestASlowStreamIsToldTheLatestOfEachEntity(t *testing.T) {
	for _, posts := range []int{2, 4500} { // within the bounds of the log, and beyond them
		synctest.Test(t, func(t *testing.T) {
			db := newFakeDB()
			k := openKit(t, db)
			hold := make(chan struct{})
			slow := listenSlowly(t, k, "ada", Cursor{}, hold)
			db.like(postOf(0), "ada")
			pass(time.Second)
			likes := 2 * max(posts, 500)
			for i := range likes {
				db.like(postOf(i%posts), "bob")
				if i%1000 == 0 {
					pass(time.Second)
				}
			}
			pass(time.Second)
			close(hold)
			pass(time.Minute)
			if got := len(slow.truths(t)); got != posts {
				t.Errorf("the slow stream was told of %d of %d posts", got, posts)
			}
			if got, want := slow.truths(t)[postOf(0)], fmt.Sprintf("%d %[1]d true [k0]", likes/posts+1); got != want {
				t.Errorf("it was told %s, want %s", got, want)
			}
			if posts == 2 && len(slow.events) > 2*posts+2 {
				t.Errorf("it was told %d times", len(slow.events))
			}
			if slow.last.String() != fmt.Sprint("1.", likes+1) {
				t.Errorf("it is at %v", slow.last)
			}
		})
	}
}

func TestAStreamGoesOnFromItsCursorOnAnyProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := newFakeDB()
		first, second := openKit(t, db), openKit(t, db)
		l := listen(t, first, "ada", Cursor{})
		db.like("a", "ada")
		pass(time.Second)
		l.end()
		synctest.Wait()
		db.like("b", "bob")
		db.like("c", "ada")
		pass(time.Second)
		l = listen(t, second, "ada", l.last)
		db.like("d", "bob")
		pass(time.Second)
		want := map[string]string{"b": "1 1 false []", "c": "1 1 true [k0]", "d": "1 1 false []"}
		if got := l.truths(t); fmt.Sprint(got) != fmt.Sprint(want) || l.events[0].Name != EventHello {
			t.Errorf("it was told %v %v, want %v", l.names(), got, want)
		}
	})
}

func TestAStreamIsResetWhenItsCursorIsNotKnown(t *testing.T) {
	for name, after := range map[string]Cursor{
		"too old":        {Era: 1, At: []int64{2}},
		"in the future":  {Era: 1, At: []int64{99}},
		"of another era": {Era: 2, At: []int64{9}},
		"of other parts": {Era: 1, At: []int64{9, 9}},
	} {
		synctest.Test(t, func(t *testing.T) {
			db := newFakeDB()
			k := openKit(t, db)
			for range 10 {
				db.like("a", "bob")
			}
			db.oldest = 5
			listen(t, k, "bob", Cursor{})
			l := listen(t, k, "ada", after)
			db.like("b", "bob")
			pass(time.Second)
			if got := fmt.Sprint(l.names()); got != "[reset truth]" || string(l.events[0].Data) != `{"after":"1.10","viewer":"ada"}` {
				t.Errorf("%s: %s %s", name, got, l.events[0].Data)
			}
		})
	}
}

func TestANewEraResetsAllStreams(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := newFakeDB()
		k := openKit(t, db)
		a, b := listen(t, k, "ada", Cursor{}), listen(t, k, "bob", Cursor{})
		db.like("a", "bob")
		pass(time.Second)
		db.NewEra(t.Context())
		pass(time.Second)
		db.like("b", "bob")
		pass(time.Second)
		for _, l := range []*listener{a, b} {
			if got := fmt.Sprint(l.names()); got != "[hello truth reset truth]" || l.last.String() != "2.2" {
				t.Errorf("%s, at %v", got, l.last)
			}
		}
	})
}

func TestStreamsOutliveTheDatabase(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := newFakeDB()
		k := openKit(t, db)
		l := listen(t, k, "ada", Cursor{})
		db.like("a", "bob")
		db.fail(fmt.Errorf("no route to host: %w", ErrUnavailable))
		pass(time.Minute)
		if l.ended {
			t.Fatal("the stream has ended with the database")
		}
		late := listen(t, k, "ada", Cursor{Era: 1, At: []int64{99}})
		if !late.ended || !errors.Is(late.err, ErrUnavailable) {
			t.Errorf("a new stream meanwhile: %v", late.err)
		}
		db.fail(nil)
		db.like("b", "bob")
		pass(3 * time.Second)
		if got := l.truths(t); len(got) != 2 || l.last.String() != "1.2" {
			t.Errorf("then it was told %v", got)
		}
	})
}

func TestDrainEndsStreamsAndRefusesNewOnes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := newFakeDB()
		k := openKit(t, db)
		l := listen(t, k, "ada", Cursor{})
		k.Drain()
		synctest.Wait()
		if !l.ended || l.err != nil {
			t.Errorf("the stream goes on, %v", l.err)
		}
		if l = listen(t, k, "ada", Cursor{}); !l.ended || l.err == nil {
			t.Error("a new stream is let in")
		}
		if len(k.fan.streams) != 0 {
			t.Errorf("%d streams are left", len(k.fan.streams))
		}
	})
}

func TestAnEntityThatCannotBeShownStopsNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := newFakeDB()
		truths := db.truths()
		truths.View = func(likes int, liked bool) any {
			if likes == 13 {
				panic("superstition")
			}
			return fakePost{likes, liked}
		}
		k, err := Open(t.Context(), db, Options{Truth: truths, Log: quiet})
		if err != nil {
			t.Fatal(err)
		}
		defer k.Close()
		l := listen(t, k, "ada", Cursor{})
		for range 13 {
			db.like("a", "bob")
		}
		db.like("b", "bob")
		pass(time.Second)
		if got := l.truths(t); len(got) != 1 || l.last.String() != "1.14" {
			t.Errorf("it was told %v", got)
		}
	})
}

// TestAnEntityThatCannotBeReadStopsNoOther: not when it changes alone, not when it changes
// among others, and no stream that comes back later.
func TestAnEntityThatCannotBeReadStopsNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := newFakeDB()
		truths := db.truths()
		read, broken := truths.Read, true
		truths.Read = func(ctx context.Context, q Query, ids []string) (map[string]int, error) {
			if broken && slices.Contains(ids, "bad") {
				return nil, errors.New("its row is damaged")
			}
			return read(ctx, q, ids)
		}
		k, err := Open(t.Context(), db, Options{Truth: truths, Log: quiet})
		if err != nil {
			t.Fatal(err)
		}
		defer k.Close()
		from := db.like("a", "bob")
		l := listen(t, k, "ada", Cursor{})
		db.like("bad", "bob")
		pass(time.Minute)
		if len(l.truths(t)) != 0 || l.last.String() != "1.1" {
			t.Errorf("while it is not known whether anything can be read, it was told %v up to %v", l.truths(t), l.last)
		}
		db.like("b", "bob")
		pass(10 * time.Second)
		db.like("c", "bob")
		db.like("bad", "bob")
		pass(10 * time.Second)
		db.like("d", "bob")
		pass(10 * time.Second)
		late := listen(t, k, "ada", from)
		pass(10 * time.Second)
		for name, l := range map[string]*listener{"the stream": l, "a later one": late} {
			if got := l.truths(t); fmt.Sprint(got) != fmt.Sprint(map[string]string{"b": "1 1 false []", "c": "1 1 false []", "d": "1 1 false []"}) || l.last.String() != "1.6" {
				t.Errorf("%s was told %v up to %v", name, got, l.last)
			}
		}
		broken = false
		db.like("bad", "bob")
		pass(10 * time.Second)
		if got := l.truths(t)["bad"]; got != "3 3 false []" {
			t.Errorf("when it can be read again, it is told %q", got)
		}
	})
}

// pass lets time pass, until all that comes of it has come.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func TestStreamsThatComeBackToTheEndOfTheFeedReadNothingEach(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := newFakeDB()
		at := db.like("a", "bob")
		k := openKit(t, db)
		var all []*listener
		for i := range 200 {
			all = append(all, listen(t, k, fmt.Sprint("user-", i), at))
		}
		pass(time.Second)
		if db.asked.entries > 5 || db.asked.moments > 1 {
			t.Errorf("200 streams that came back have asked %+v", db.asked)
		}
		db.like("a", "ada")
		pass(time.Second)
		for _, l := range all {
			if got := fmt.Sprint(l.names()); got != "[hello truth]" {
				t.Fatalf("one was told %s", got)
			}
		}
	})
}
