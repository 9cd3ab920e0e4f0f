package optimist_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/event"
	"github.com/optimist-go/optimist/memjournal"
	"github.com/optimist-go/optimist/reason"
)

func idsOf(all []*optimist.Handle) (ids []string) {
	for _, h := range all {
		ids = append(ids, h.ID())
	}
	return ids
}

func TestLaw38_OperationsAreFoundAfterARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		var w world
		l := w.start(t, optimist.Options{})
		l.m.SetOnline(false)
		var want []string
		for _, h := range []*optimist.Handle{
			must(l.edit.Execute(ctx, "2", edit{"a"}))(t), must(l.done.Execute(ctx, "1", true))(t), must(l.move.Execute(ctx, [2]string{"3", "2"}))(t),
		} {
			want = append(want, h.ID())
		}
		synctest.Wait()
		w.crash(l)

		w.offline = true
		l = w.start(t, optimist.Options{})
		if got := idsOf(l.m.Operations()); !slices.Equal(got, want) {
			t.Errorf("after the restart %v, before %v", got, want)
		}
		if got := idsOf(l.notes.Operations("2")); !slices.Equal(got, []string{want[0], want[2]}) {
			t.Errorf("of note 2: %v, of all: %v", got, want)
		}
		h, ok := l.m.Operation(want[1])
		if !ok || h.Type() != "done" || h.Entity() != "note:1" || h != l.restored.Operations[1] {
			t.Fatalf("found %v, %v", h, ok)
		}
		if err := h.Cancel(); err != nil {
			t.Error(err)
		}
		if _, ok := l.m.Operation(want[1]); ok {
			t.Error("an operation that was taken back is found")
		}
		w.crash(l)
	})
}

// aside is a program that does not know the types of operations that an earlier life left.
func (w *world) aside(t *testing.T) *optimist.Manager {
	t.Helper()
	j := must(w.disk.Open())(t)
	m := must(optimist.New(optimist.Options{Journal: durable{j}}))(t)
	must(m.Restore())(t)
	return m
}

func TestLaw38_QuarantineIsFoundAndDiscarded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		var w world
		l := w.start(t, optimist.Options{})
		l.m.SetOnline(false)
		first := must(l.edit.Execute(ctx, "1", edit{"a"}))(t)
		second := must(l.done.Execute(ctx, "1", true, first))(t)
		third := must(l.done.Execute(ctx, "2", true))(t)
		synctest.Wait()
		w.crash(l)

		m := w.aside(t)
		defer m.Close(ctx)
		notes := optimist.NewStore[note](m, "note")
		rename := optimist.Register(notes, optimist.Mutation[note, edit]{
			Type: "rename", Apply: func(n note, _ edit) (note, error) { return n, nil },
			Send: func(context.Context, optimist.Call[edit]) (optimist.Truth[note], error) {
				return optimist.Truth[note]{}, nil
			},
		})
		if got := idsOf(m.Operations()); !slices.Equal(got, []string{first.ID(), second.ID(), third.ID()}) {
			t.Fatalf("%v", got)
		}
		if got := idsOf(notes.Operations("1")); !slices.Equal(got, []string{first.ID(), second.ID()}) {
			t.Errorf("of note 1: %v", got)
		}
		h, ok := m.Operation(first.ID())
		again, _ := m.Operation(first.ID())
		if !ok || h != again || h != m.Operations()[0] {
			t.Fatal("the operation has several handles, or none")
		}
		if h.Type() != "edit" || h.Entity() != "note:1" || h.State() != optimist.Parked || h.Timestamp() != first.Timestamp() {
			t.Errorf("%s of %s is %v", h.Type(), h.Entity(), h.State())
		}
		for call, err := range map[string]error{"retry": h.Retry(), "depend": after(rename.Execute(ctx, "1", edit{}, h))} {
			if !errors.Is(err, optimist.ErrQuarantined) {
				t.Errorf("%s: %v", call, err)
			}
		}
		if _, err := rename.Edit(h, edit{"b"}); !errors.Is(err, optimist.ErrInvalid) {
			t.Errorf("edit: %v", err)
		}
		if err := h.Await(ctx, optimist.Journaled); err != nil {
			t.Errorf("it is in the journal: %v", err)
		}

		ended := make(chan optimist.Result)
		go func() {
			r, _ := m.Operations()[1].Wait(ctx) // it depends on the first
			ended <- r
		}()
		synctest.Wait()
		if err := h.Discard(); err != nil {
			t.Fatal(err)
		}
		select {
		case r := <-ended:
			if r.ID != second.ID() || r.Outcome != optimist.RolledBack || !errors.Is(r.Err, optimist.ErrDependency) {
				t.Errorf("its dependent ended as %+v", r)
			}
		case <-time.After(time.Hour):
			t.Fatal("its dependent has not ended")
		}
		if r, ok := h.Result(); !ok || r.Outcome != optimist.Cancelled || r.ID != first.ID() || r.Err != nil || h.State() != optimist.Ended {
			t.Errorf("it ended as %+v, %v", r, ok)
		}
		for call, err := range map[string]error{"discard": h.Discard(), "cancel": h.Cancel(), "retry": h.Retry()} {
			if !errors.Is(err, optimist.ErrSettled) {
				t.Errorf("%s of one that has ended: %v", call, err)
			}
		}
		last, _ := m.Operation(third.ID())
		if got := idsOf(m.Operations()); !slices.Equal(got, []string{third.ID()}) {
			t.Errorf("left %v", got)
		}
		if err := m.ClearAll(); err != nil {
			t.Fatal(err)
		}
		if r, ok := last.Result(); !ok || r.Outcome != optimist.Cancelled || len(m.Operations()) > 0 {
			t.Errorf("after ClearAll: %+v, %v, left %v", r, ok, idsOf(m.Operations()))
		}
	})
}

func after(_ *optimist.Handle, err error) error { return err }

func TestLaw38_QuarantineHasASnapshot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		var w world
		l := w.start(t, optimist.Options{})
		w.lose = 1
		h := must(l.edit.Execute(ctx, "1", edit{"a"}))(t)
		time.Sleep(time.Second)
		w.crash(l)

		m := w.aside(t)
		defer m.Close(ctx)
		time.Sleep(time.Minute)
		found, _ := m.Operation(h.ID())
		s := found.Snapshot()
		if s.ID != h.ID() || s.Type != "edit" || s.Store != "note" || s.EntityID != "1" || s.Slot != "text" || s.State != optimist.Parked ||
			s.Age < time.Minute || s.Age > 2*time.Minute || s.Calls != 1 || !s.Unknown || !errors.Is(s.Err, optimist.ErrInvalid) {
			t.Errorf("%+v", s)
		}
		if data, ok := s.Args.([]byte); !ok || string(data) != `{"Text":"a"}` {
			t.Errorf("arguments %#v", s.Args)
		}
		if s.Reason.Kind != reason.Quarantine || s.Reason.String() == "" {
			t.Errorf("reason %+v %q", s.Reason, s.Reason)
		}
		if err := found.Await(ctx, optimist.Decided); err != nil {
			t.Error(err)
		}
		if err := found.SendNow(); !errors.Is(err, optimist.ErrQuarantined) {
			t.Error(err)
		}
		if err := found.Cancel(); err != nil {
			t.Error(err)
		}
		if s := found.Snapshot(); s.State != optimist.Ended || s.Reason != (reason.Reason{}) {
			t.Errorf("%+v", s)
		}
	})
}

func TestLaw39_TheDiskHasToTakeIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		var disk memjournal.Disk
		j := gated{durable: durable{must(disk.Open())(t)}, write: make(chan struct{}, 10)}
		m := must(optimist.New(optimist.Options{Journal: j}))(t)
		notes := optimist.NewStore[note](m, "note")
		answered := make(chan struct{})
		add := optimist.Register(notes, optimist.Mutation[note, edit]{
			Type: "add", Kind: optimist.Create, Stored: stored[edit](),
			Apply: func(n note, e edit) (note, error) { n.Text = e.Text; return n, nil },
			Send: func(context.Context, optimist.Call[edit]) (optimist.Truth[note], error) {
				<-answered
				return optimist.Truth[note]{}, nil
			},
		})
		must(m.Restore())(t)
		kind := func(h *optimist.Handle) reason.Kind {
			synctest.Wait()
			return h.Snapshot().Reason.Kind
		}
		h := must(add.Execute(ctx, "1", edit{"a"}))(t)
		for range 10 { // first its record, then the mark of its attempt
			if k := kind(h); k == reason.Answer {
				break
			} else if k != reason.Disk {
				t.Fatalf("it waits for %d", k)
			}
			j.write <- struct{}{}
		}
		if k := kind(h); k != reason.Answer {
			t.Errorf("with its mark on the disk it waits for %d", k)
		}
		close(j.write)
		ended, cancel := context.WithCancel(ctx)
		cancel()
		closed := make(chan error)
		go func() { closed <- m.Close(ended) }()
		synctest.Wait()
		if k := kind(h); k != reason.Opening {
			t.Errorf("while the manager closes it waits for %d", k)
		}
		close(answered)
		<-closed
		if k := kind(h); k != reason.Opening {
			t.Errorf("after Close it waits for %d", k)
		}
	})
}

// A group in quarantine is listed by the stores and the entities that it touches.
func TestLaw38_AGroupInQuarantineIsOfItsEntities(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		var w world
		l := w.start(t, optimist.Options{})
		l.m.SetOnline(false)
		move := must(l.move.Execute(ctx, [2]string{"3", "2"}))(t)
		synctest.Wait()
		w.crash(l)

		m := w.aside(t)
		defer m.Close(ctx)
		notes, other := optimist.NewStore[note](m, "note"), optimist.NewStore[note](m, "other")
		for what, got := range map[string][]*optimist.Handle{
			"all": m.Operations(), "store": notes.Operations(), "first": notes.Operations("3"), "second": notes.Operations("2"), "both": notes.Operations("2", "3"),
		} {
			if len(got) != 1 || got[0].ID() != move.ID() {
				t.Errorf("%s: %v", what, idsOf(got))
			}
		}
		if n := len(notes.Operations("4")) + len(other.Operations()) + len(other.Operations("3")); n > 0 {
			t.Errorf("%d operations of others", n)
		}
		h := m.Operations()[0]
		if in := h.Snapshot().Entities; !slices.Equal(in, []string{"note:3", "note:2"}) {
			t.Errorf("its entities are %v", in)
		}
		if h.Entity() != "note:3" || h.Snapshot().EntityID != "3" || m.Quarantined()[0] != h {
			t.Errorf("its entity is %s, %+v, %+v", h.Entity(), h.Snapshot(), m.Quarantined())
		}
		sub := m.Subscribe(optimist.SubscribeOptions{})
		if err := h.Discard(); err != nil {
			t.Fatal(err)
		}
		over, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		var told []string
		for e := range sub.All(over) {
			if e.Kind == event.Settled && slices.Equal(e.Entities, []string{"note:3", "note:2"}) {
				told = append(told, e.Entity)
			}
		}
		if !slices.Equal(told, []string{"note:3", "note:2"}) {
			t.Errorf("its end was told of %v", told)
		}
	})
}
