package optimist

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/optimist-go/optimist/event"
	"github.com/optimist-go/optimist/memjournal"
)

// backup is a server that can be restored to an earlier state, with its keys.
type backup struct {
	mu           *sync.Mutex // of the rest
	era, version uint64
	value        page
	keys         map[string]bool
	calls        int
}

func (b *backup) truth() Truth[page] {
	b.mu.Lock()
	defer b.mu.Unlock()
	t := TruthOf(b.value, b.version)
	t.Era = b.era
	return t
}

func (b *backup) copy() backup {
	c := *b
	c.keys = make(map[string]bool)
	for k := range b.keys {
		c.keys[k] = true
	}
	return c
}

// restore begins a new history with an old copy.
func (b *backup) restore(old backup) {
	b.mu.Lock()
	defer b.mu.Unlock()
	era, calls := b.era+1, b.calls
	*b = old.copy()
	b.era, b.calls = era, calls
}

// like is an operation: each key has its effect once.
func (b *backup) like(key, user string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.calls++; !b.keys[key] {
		b.keys[key], b.version, b.value = true, b.version+1, setFan(b.value, user, true)
	}
}

func inBackup(t *testing.T, opts Options, f func(t *testing.T, m *Manager, pages *Store[page], like *Action[page, string], b *backup, answer *func() (Truth[page], error))) {
	synctest.Test(t, func(t *testing.T) {
		b := &backup{mu: new(sync.Mutex), era: 1, version: 10, keys: make(map[string]bool)}
		m := must(New(opts))(t)
		defer m.Close(t.Context())
		answer := func() (Truth[page], error) { return b.truth(), nil }
		pages := NewStore(m, "page", StoreOptions[page]{Read: func(context.Context, string) (Truth[page], error) {
			time.Sleep(time.Millisecond) // until then the old value is seen
			return b.truth(), nil
		}})
		like := Register(pages, Mutation[page, string]{
			Type: "like", Apply: func(p page, user string) (page, error) { return setFan(p, user, true), nil },
			Send: func(_ context.Context, c Call[string]) (Truth[page], error) {
				b.like(c.ID, c.Args)
				return answer()
			},
			Slot: func(user string) string { return user },
		})
		must(m.Restore())(t)
		is(t, m.NewEra(1), nil)
		is(t, pages.Receive("1", b.truth()), nil)
		f(t, m, pages, like, b, &answer)
		m.ClearAll()
	})
}

func TestLaw44_AConfirmedChangeThatVanishesIsOneChangeWithItsCause(t *testing.T) {
	inBackup(t, instant, func(t *testing.T, m *Manager, pages *Store[page], like *Action[page, string], b *backup, _ *func() (Truth[page], error)) {
		old := b.copy()
		h := must(like.Execute(t.Context(), "1", "me"))(t)
		synctest.Wait()
		equal(t, "ended", h.State(), Ended)
		b.restore(old)
		sub := m.Subscribe(SubscribeOptions{})
		is(t, m.NewEra(2), nil)
		equal(t, "version", pages.Truth("1").Version, uint64(0))
		equal(t, "shown before the read", pages.View("1").Value.Fans, "me")
		time.Sleep(time.Second)
		synctest.Wait()
		equal(t, "shown", pages.View("1").Value.Fans, "")
		equal(t, "version", pages.Truth("1").Version, uint64(10))
		all := events(sub)
		equal(t, "events", kindsOf(all), []event.Kind{event.Started, event.EraBegan, event.Changed})
		is(t, all[1].Err, ErrNewEra)
		is(t, all[2].Err, ErrNewEra)
		is(t, m.NewEra(2), nil) // it is held already
		is(t, m.NewEra(1), nil)
		is(t, m.NewEra(0), ErrInvalid)
		equal(t, "events", len(events(sub)), 0)
	})
}

func TestLaw44_AnAcknowledgedOperationIsSentAgainWithItsKey(t *testing.T) {
	inBackup(t, instant, func(t *testing.T, m *Manager, pages *Store[page], like *Action[page, string], b *backup, answer *func() (Truth[page], error)) {
		old := b.copy()
		*answer = func() (Truth[page], error) { return AcceptedAt[page](b.version), nil }
		h := must(like.Execute(t.Context(), "1", "me"))(t)
		synctest.Wait()
		equal(t, "state", h.State(), Acked)
		b.restore(old)
		*answer = func() (Truth[page], error) { return b.truth(), nil }
		is(t, pages.Receive("1", b.truth()), nil) // tells the era
		equal(t, "shown", pages.View("1").Value.Fans, "me")
		synctest.Wait()
		equal(t, "calls", b.calls, 2)
		equal(t, "keys", len(b.keys), 1)
		r, _ := h.Result()
		equal(t, "outcome", r.Outcome, Confirmed)
		equal(t, "held", pages.Truth("1").Value.Fans, "me")
	})
}

func TestLaw44_AnAnswerFromBeforeIsUnknownUnlessItNamesTheEra(t *testing.T) {
	for _, knows := range []bool{false, true} {
		inBackup(t, instant, func(t *testing.T, m *Manager, pages *Store[page], like *Action[page, string], b *backup, answer *func() (Truth[page], error)) {
			old := b.copy()
			*answer = func() (Truth[page], error) {
				if b.calls > 1 {
					return b.truth(), nil
				}
				told := b.truth()
				b.restore(old)
				if told.Era = 0; knows {
					told = b.truth()
				}
				is(t, m.NewEra(2), nil)
				return told, nil
			}
			h := must(like.Execute(t.Context(), "1", "me"))(t)
			time.Sleep(time.Minute)
			synctest.Wait()
			r, _ := h.Result()
			equal(t, "outcome", r.Outcome, Confirmed)
			equal(t, "view", pages.View("1").Value, b.value)
			if knows {
				equal(t, "calls", b.calls, 1)
			} else {
				equal(t, "calls", b.calls, 2)
				equal(t, "shown", pages.View("1").Value.Fans, "me")
			}
		})
	}
}

func TestLaw44_TruthOfASmallerEraIsStale(t *testing.T) {
	inBackup(t, instant, func(t *testing.T, m *Manager, pages *Store[page], _ *Action[page, string], b *backup, _ *func() (Truth[page], error)) {
		before := b.truth()
		before.Version, before.Value.Title = 99, "of another history"
		b.era = 2
		is(t, pages.Receive("1", b.truth()), nil)
		sub := m.Subscribe(SubscribeOptions{})
		is(t, pages.Receive("1", before), nil)
		equal(t, "shown", pages.View("1").Value.Title, "")
		before.Era, before.ReadAt = 0, time.Now().Add(-time.Second)
		is(t, pages.Receive("1", before), nil)
		is(t, pages.ReceivePage(map[string]Truth[page]{"1": before}), nil)
		is(t, pages.ReceivePiece("1", Piece[page]{Follows: 10, Version: 11, Era: 1, Change: titled("x")}), nil)
		equal(t, "events", kindsOf(events(sub)), []event.Kind{event.Started, event.TruthStale, event.TruthStale, event.TruthStale, event.TruthStale})
		equal(t, "shown", pages.View("1").Value.Title, "")
		is(t, pages.ReceivePiece("1", Piece[page]{Follows: 10, Version: 11, Era: 3, Change: titled("x")}), ErrGap)
	})
}

func TestLaw44_AJournalKeepsTheEra(t *testing.T) {
	var disk memjournal.Disk
	opts := instant
	opts.Journal = must(disk.Open())(t)
	inBackup(t, opts, func(*testing.T, *Manager, *Store[page], *Action[page, string], *backup, *func() (Truth[page], error)) {
	})
	synctest.Test(t, func(t *testing.T) {
		opts.Journal = must(disk.Open())(t)
		m := must(New(opts))(t)
		defer m.Close(t.Context())
		pages := NewStore[page](m, "page")
		must(m.Restore())(t)
		sub := m.Subscribe(SubscribeOptions{})
		is(t, pages.Receive("1", Truth[page]{Presence: Present, Version: 3, Era: 1}), nil)
		equal(t, "events", kindsOf(events(sub)), []event.Kind{event.Started, event.Changed})
		is(t, m.NewEra(2), nil)
		equal(t, "events", kindsOf(events(sub)), []event.Kind{event.EraBegan})
	})
}
