package optimist

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/optimist-go/optimist/event"
)

// The laws are tested on pages that people like, name and comment on, against a
// server that does what it is asked unless a reply says otherwise.

// page is the value of an entity.
type page struct {
	Title          string
	Fans, Comments names
}

// names is a sorted set of names. It is comparable.
type names string

func (n names) list() []string {
	if n == "" {
		return nil
	}
	return strings.Split(string(n), " ")
}

func (n names) has(name string) bool { return slices.Contains(n.list(), name) }

func (n names) with(name string) names {
	if n.has(name) {
		return n
	}
	all := append(n.list(), name)
	slices.Sort(all)
	return names(strings.Join(all, " "))
}

func (n names) without(name string) names {
	return names(strings.Join(slices.DeleteFunc(n.list(), func(o string) bool { return o == name }), " "))
}

func isFan(p page, user string) bool { return p.Fans.has(user) }

func setFan(p page, user string, on bool) page {
	if p.Fans = p.Fans.with(user); !on {
		p.Fans = p.Fans.without(user)
	}
	return p
}

// world is a client and a server. Pages 1 to 9 are there, empty, and loaded.
type world struct {
	*testing.T
	ctx    context.Context
	m      *Manager
	server *server
	pages  *Store[page]

	like      *Switch[page]         // slot: the user
	rename    *Action[page, string] // slot: the title
	comment   *Action[page, string] // no slot
	uncomment *Action[page, string] // no slot; its guard needs the comment
	create    *Action[page, string] // makes the page with that title
	remove    *Action[page, struct{}]

	plusAction *Action[page, string] // made by plus
	marks      int
	heard      *Subscription // of a test that looks for what is told

	spare, cancelled *Handle // made by prepare: one that is pending, one that has ended
	used             Planned

	mu     sync.Mutex
	screen map[string]bool // what the other door shows
	ended  []string        // callbacks that ran
}

var (
	errNo    = errors.New("no")
	errBusy  = errors.New("busy")
	errNever = Fail(Permanent, errNo)
)

// inWorld runs a test in virtual time. The manager must be able to close, and the
// server must have nothing to complain of.
func inWorld(t *testing.T, opts Options, f func(t *testing.T, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, opts)
		defer func() { // also when f has given up
			w.m.ClearAll()
			w.m.Close(w.ctx)
		}()
		f(t, w)
		synctest.Wait()
		if len(w.server.problems) > 0 {
			t.Error(w.server.problems)
		}
	})
}

// instant are options without debounce and jitter.
var instant = Options{Policy: Policy{Debounce: Debounce{Wait: NoDebounce}, Retry: Retry{Jitter: -1}}}

// patient are options with the default debounce, and without jitter.
var patient = Options{Policy: Policy{Retry: Retry{Jitter: -1}}}

func newWorld(t *testing.T, opts Options) *world {
	m, err := New(opts)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{
		T: t, ctx: t.Context(), m: m, screen: make(map[string]bool),
		server: &server{
			began: time.Now(), pages: make(map[string]page), versions: make(map[string]uint64),
			stamps: make(map[string]Timestamp), authors: make(map[string]string), script: make(map[string][]reply),
			applied: make(map[string]string), underway: make(map[string]int),
		},
		pages: NewStore[page](m, "page"),
	}
	w.like = RegisterToggle(w.pages, w.likeToggle())
	w.rename = Register(w.pages, w.renaming("rename"))
	w.comment = Register(w.pages, w.commenting())
	w.uncomment = Register(w.pages, w.uncommenting())
	w.create = Register(w.pages, w.creating())
	w.remove = Register(w.pages, w.removing())
	for i := range 9 {
		id := fmt.Sprint(i + 1)
		w.receive(id, w.server.put(id, page{}))
	}
	return w
}

func (w *world) likeToggle() Toggle[page] {
	return Toggle[page]{
		Type: "like", Get: isFan, Set: setFan,
		Send: func(ctx context.Context, c Call[Switched]) (Truth[page], error) {
			return w.server.serve(ctx, asksOf(c, fmt.Sprintf("like %s %v", c.Args.User, c.Args.On), func(p page, there bool) (page, bool) {
				return setFan(p, c.Args.User, c.Args.On), there
			}))
		},
		OnSuccess: func(_ Switched, r Result) { w.note("success", r) },
		OnError:   func(_ Switched, r Result) { w.note("error", r) },
	}
}

func (w *world) renaming(typ string) Mutation[page, string] {
	return Mutation[page, string]{
		Type: typ, Slot: func(string) string { return "title" },
		Apply: func(p page, title string) (page, error) { p.Title = title; return p, nil },
		Send: func(ctx context.Context, c Call[string]) (Truth[page], error) {
			return w.server.serve(ctx, asksOf(c, typ+" "+c.Args, func(p page, there bool) (page, bool) { p.Title = c.Args; return p, there }))
		},
		OnSuccess: func(_ string, r Result) { w.note("success", r) },
		OnError:   func(_ string, r Result) { w.note("error", r) },
	}
}

func (w *world) commenting() Mutation[page, string] {
	return Mutation[page, string]{
		Type:  "comment",
		Apply: func(p page, text string) (page, error) { p.Comments = p.Comments.with(text); return p, nil },
		Send: func(ctx context.Context, c Call[string]) (Truth[page], error) {
			return w.server.serve(ctx, asksOf(c, "comment "+c.Args, func(p page, there bool) (page, bool) {
				p.Comments = p.Comments.with(c.Args)
				return p, there
			}))
		},
		OnSuccess: func(_ string, r Result) { w.note("success", r) },
		OnError:   func(_ string, r Result) { w.note("error", r) },
	}
}

func (w *world) uncommenting() Mutation[page, string] {
	return Mutation[page, string]{
		Type: "uncomment",
		Guard: func(p page, text string) error {
			if !p.Comments.has(text) {
				return errors.New("no such comment")
			}
			return nil
		},
		Apply: func(p page, text string) (page, error) { p.Comments = p.Comments.without(text); return p, nil },
		Send: func(ctx context.Context, c Call[string]) (Truth[page], error) {
			return w.server.serve(ctx, asksOf(c, "uncomment "+c.Args, func(p page, there bool) (page, bool) {
				p.Comments = p.Comments.without(c.Args)
				return p, there
			}))
		},
		OnError: func(_ string, r Result) { w.note("error", r) },
	}
}

func (w *world) creating() Mutation[page, string] {
	return Mutation[page, string]{
		Type: "create", Kind: Create,
		Apply: func(p page, title string) (page, error) { p.Title = title; return p, nil },
		Send: func(ctx context.Context, c Call[string]) (Truth[page], error) {
			return w.server.serve(ctx, asksOf(c, "create "+c.Args, func(p page, _ bool) (page, bool) { p.Title = c.Args; return p, true }))
		},
	}
}

func (w *world) removing() Mutation[page, struct{}] {
	return Mutation[page, struct{}]{
		Type: "remove", Kind: Delete, Barrier: true,
		Send: func(ctx context.Context, c Call[struct{}]) (Truth[page], error) {
			return w.server.serve(ctx, asksOf(c, "remove", func(page, bool) (page, bool) { return page{}, false }))
		},
	}
}

func asksOf[A any](c Call[A], what string, act func(page, bool) (page, bool)) asks {
	return asks{what: what, entity: c.Entity, lane: "page:" + c.Entity, key: c.ID, client: c.ClientID, attempt: c.Number, at: c.At, act: act}
}

func (w *world) note(what string, r Result) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ended = append(w.ended, fmt.Sprintf("%s of %s %s", what, r.Type, r.Entity))
}

func (w *world) noted() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.ended)
}

func (w *world) receive(id string, t Truth[page]) {
	w.Helper()
	if err := w.pages.Receive(id, t); err != nil {
		w.Fatal(err)
	}
}

func (w *world) flush() {
	w.Helper()
	if err := w.m.Flush(w.ctx); err != nil {
		w.Fatal(err)
	}
}

// view is the value shown, which must be present.
func (w *world) view(id string) page {
	w.Helper()
	v := w.pages.View(id)
	if v.Presence != Present {
		w.Fatalf("page %s is %v", id, v.Presence)
	}
	return v.Value
}

// tap and do must be accepted.
func (w *world) tap(id, user string) *Handle { return must(w.like.Toggle(w.ctx, id, user))(w.T) }
func (w *world) set(id, user string, on bool) *Handle {
	return must(w.like.Set(w.ctx, id, user, on))(w.T)
}

func do[A any](w *world, a *Action[page, A], id string, args A, after ...*Handle) *Handle {
	w.Helper()
	return must(a.Execute(w.ctx, id, args, after...))(w.T)
}

func must[R any](r R, err error) func(testing.TB) R {
	return func(t testing.TB) R {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
}

// result is how an operation ended, by now.
func (w *world) result(h *Handle) Result {
	w.Helper()
	synctest.Wait()
	r, ok := h.Result()
	if !ok {
		w.Fatalf("%s is unsettled", h.Type())
	}
	return r
}

func (w *world) outcome(h *Handle, want Outcome) Result {
	w.Helper()
	r := w.result(h)
	if r.Outcome != want {
		w.Fatalf("%s ended as %v (%v), not as %v", h.Type(), r.Outcome, r.Err, want)
	}
	return r
}

func (w *world) unsettled(hs ...*Handle) {
	w.Helper()
	synctest.Wait()
	for _, h := range hs {
		if r, ok := h.Result(); ok {
			w.Fatalf("%s has ended as %v (%v)", h.Type(), r.Outcome, r.Err)
		}
	}
}

// settledTruth checks that page id shows what the server holds, with nothing pending.
func (w *world) settledTruth(id string) {
	w.Helper()
	v, t := w.pages.View(id), w.server.truth(id)
	if v.Pending != 0 || v.Presence != t.Presence || v.Value != t.Value {
		w.Fatalf("page %s shows %+v, the server holds %+v", id, v, t)
	}
}

func equal[V any](t testing.TB, what string, got, want V) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("%s: %v, want %v", what, got, want)
	}
}

func is(t testing.TB, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("error %v, want %v", err, want)
	}
}

// door is one of the two ways to switch something on and off.
type door struct {
	tap    func(id string) *Handle
	shown  func(id string) bool
	entity func(id string) string // its full name
}

// bothDoors runs a test with either door. The user is "me".
func bothDoors(t *testing.T, opts Options, f func(t *testing.T, w *world, d door)) {
	t.Helper()
	t.Run("typed", func(t *testing.T) {
		inWorld(t, opts, func(t *testing.T, w *world) {
			f(t, w, door{
				tap:    func(id string) *Handle { return w.tap(id, "me") },
				shown:  func(id string) bool { return isFan(w.pages.View(id).Value, "me") },
				entity: func(id string) string { return "page:" + id },
			})
		})
	})
	t.Run("closures", func(t *testing.T) {
		inWorld(t, opts, func(t *testing.T, w *world) {
			f(t, w, door{
				tap:    func(id string) *Handle { return must(w.m.ExecuteToggle(w.ctx, w.toggle(id)))(w.T) },
				shown:  w.onScreen,
				entity: func(id string) string { return "screen:" + id },
			})
		})
	})
}

func (w *world) onScreen(id string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.screen[id]
}

func (w *world) setScreen(id string, on bool) (rollback func()) {
	w.mu.Lock()
	was := w.screen[id]
	w.screen[id] = on
	w.mu.Unlock()
	return func() {
		w.mu.Lock()
		w.screen[id] = was
		w.mu.Unlock()
	}
}

// toggle is a like through the imperative door.
func (w *world) toggle(id string) ToggleUpdate {
	return ToggleUpdate{
		Type: "like", Entity: "screen:" + id, User: "me",
		Current: func() bool { return w.onScreen(id) },
		Apply:   func(on bool) func() { return w.setScreen(id, on) },
		Send: func(ctx context.Context, on bool) (bool, error) {
			t, err := w.server.serve(ctx, asks{
				what: fmt.Sprintf("like me %v", on), entity: id, lane: "screen:" + id,
				act: func(p page, there bool) (page, bool) { return setFan(p, "me", on), there },
			})
			return isFan(t.Value, "me"), err
		},
		OnChange: func(_ bool, r Result) {
			if r.Outcome == Confirmed {
				w.note("success", r)
			} else {
				w.note("error", r)
			}
		},
	}
}

func (s *server) likes(id string) bool { return isFan(s.truth(id).Value, "me") }

// update is a change of the screen through the imperative door.
func (w *world) update(typ, id string, act func() func()) Update {
	return Update{
		Type: typ, Entity: "screen:" + id, Apply: act,
		Send: func(ctx context.Context) error {
			_, err := w.server.serve(ctx, asks{what: typ, entity: id, lane: "screen:" + id, act: func(p page, there bool) (page, bool) { return p, there }})
			return err
		},
		OnSuccess: func(r Result) { w.note("success", r) },
		OnError:   func(r Result) { w.note("error", r) },
	}
}

// events are those that wait in a subscription.
func events(s *Subscription, kinds ...event.Kind) []Event {
	synctest.Wait()
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	var all []Event
	for ev := range s.All(ended) {
		if len(kinds) == 0 || slices.Contains(kinds, ev.Kind) {
			all = append(all, ev)
		}
	}
	return all
}

func kindsOf(all []Event) []event.Kind {
	var kinds []event.Kind
	for _, ev := range all {
		kinds = append(kinds, ev.Kind)
	}
	return kinds
}

// closureLogs counts the logs that the manager keeps.
func closureLogs(m *Manager) int {
	if c, ok := m.closures.(*closures); ok {
		return c.Len()
	}
	return 0
}
