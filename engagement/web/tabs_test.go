//go:build !js

package web

import (
	"context"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/optimist-go/optimist/engagement/client"
	"github.com/optimist-go/optimist/engagement/wire"
	"github.com/optimist-go/optimist/journal"
	"github.com/optimist-go/optimist/memjournal"
)

// household is the state that the pages of one browser share.
type household struct {
	// mu guards the fields below it.
	mu    sync.Mutex
	words map[string]string
	pages []*App
	disks map[string]*memjournal.Disk // journals, by user
	live  map[string]map[uint64]bool  // sequence numbers that they hold
	freed chan struct{}               // closed when a journal is closed
	// loading is called when a page loads a journal; nil: nothing is.
	loading func()
}

func newHousehold() *household {
	return &household{words: make(map[string]string), disks: make(map[string]*memjournal.Disk), live: make(map[string]map[uint64]bool), freed: make(chan struct{})}
}

// windowOf is one page's view of the household.
type windowOf struct {
	*household
	app *App
}

func (p *windowOf) Get(key string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.words[key]
}

// Set tells the other pages, as a browser does.
func (p *windowOf) Set(key, word string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.words[key] == word {
		return
	}
	p.words[key] = word
	for _, other := range p.pages {
		if other != p.app && key == signedInKey {
			other.spawn(func(context.Context) { other.Look() })
		}
	}
}

func (p *windowOf) journal(ctx context.Context, user string, wait bool) (Journal, error) {
	for {
		p.mu.Lock()
		disk, freed := p.disks[user], p.freed
		if disk == nil {
			disk = new(memjournal.Disk)
			p.disks[user], p.live[user] = disk, make(map[uint64]bool)
		}
		j, err := disk.Open()
		p.mu.Unlock()
		if err == nil {
			return &kept{j, p.household, user}, nil
		} else if !wait {
			return nil, err
		}
		select {
		case <-freed:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// kept is a journal that the browser keeps, like that of IndexedDB.
type kept struct {
	*memjournal.Journal
	household *household
	user      string
}

func (k *kept) Durability() journal.Durability { return journal.DurablePower }

func (k *kept) Load() ([]journal.Record, error) {
	k.household.mu.Lock()
	loading := k.household.loading
	k.household.mu.Unlock()
	if loading != nil {
		loading()
	}
	return k.Journal.Load()
}

func (k *kept) Write(records []journal.Record) error {
	err := k.Journal.Write(records)
	if err == nil {
		k.household.mu.Lock()
		defer k.household.mu.Unlock()
		for _, r := range records {
			if r.Seq > 0 && !r.Settled {
				k.household.live[k.user][r.Seq] = true
			} else {
				delete(k.household.live[k.user], r.Seq)
			}
		}
	}
	return err
}

func (k *kept) Delete(context.Context) error {
	records, err := k.Journal.Load()
	for i := range records {
		records[i].Settled = true
	}
	if err == nil {
		err = k.Write(records)
	}
	return err
}

func (k *kept) Close() error {
	k.household.mu.Lock()
	defer k.household.mu.Unlock()
	err := k.Journal.Close()
	close(k.household.freed)
	k.household.freed = make(chan struct{})
	return err
}

// stored is how many of the user's changes the journal holds.
func (p *household) stored(user string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.live[user])
}

// holds waits until the journal holds so many changes.
func (p *household) holds(t *testing.T, user string, n int) {
	t.Helper()
	for began := time.Now(); p.stored(user) != n; runtime.Gosched() {
		if time.Since(began) > 30*time.Second {
			t.Fatalf("never: %d stored changes; there are %d", n, p.stored(user))
		}
	}
}

// open opens a page of the household.
func (s *stage) open(p *household) *stage {
	s.t.Helper()
	other := &stage{t: s.t, board: newBoard(), woken: make(chan struct{}, 1), server: s.server, wires: s.wires}
	pg := &windowOf{household: p}
	other.App = NewApp(s.wires, Hooks{Wake: other.wake, Shared: pg, Journal: pg.journal})
	pg.app = other.App
	p.mu.Lock()
	p.pages = append(p.pages, other.App)
	p.mu.Unlock()
	other.Start()
	s.t.Cleanup(func() { other.close(p) })
	return other
}

// close closes the page, as a person does.
func (s *stage) close(p *household) {
	p.mu.Lock()
	n := len(p.pages)
	p.pages = slices.DeleteFunc(p.pages, func(a *App) bool { return a == s.App })
	open := n > len(p.pages)
	p.mu.Unlock()
	if open {
		s.Stop()
	}
}

func has(n *Node, words string) bool { return n != nil && strings.Contains(n.words(), words) }

func nobodys(b *board) bool {
	return barSays("Connected")(b) && b.regions["sign-in"] != nil && len(b.shown) > 5
}

// TestSignOutInOneOfTwoTabs: the other tab, whether it owns the journal or not, shows and
// stores nothing any more, and quotes its unsent changes.
func TestSignOutInOneOfTwoTabs(t *testing.T) {
	for _, owner := range []bool{true, false} {
		s, p := newStage(t), newHousehold()
		first := s.open(p)
		post := first.enter("ada")
		second := s.open(p)
		second.until("ada's page", func(b *board) bool { return barSays("ada")(b) && len(b.shown) > 5 })
		leaves, stays := second, first
		if !owner {
			leaves, stays = first, second
		}
		stays.SetOnline(false)
		stays.Act(Action{Name: "comments", Post: post})
		stays.Act(Action{Name: "comment-add", Post: post, Value: "precious words"})
		stays.draw()
		stays.board.drafts["new-"+post] = "half a thought"
		leaves.Act(Action{Name: "sign-out"})
		leaves.until("nobody's page", nobodys)
		stays.until("that ada has left", func(b *board) bool {
			return !barSays("ada")(b) && told("precious words")(b) && told("half a thought")(b)
		})
		if slices.Contains(stays.board.shown, post) && postSays(post, "precious words")(stays.board) {
			t.Errorf("owner %v: the text is still on the screen", owner)
		}
		if told("expired")(stays.board) || !told("signed out in another tab")(stays.board) {
			t.Errorf("owner %v: it says %q", owner, stays.board.regions["notices"].words())
		}
		p.holds(t, "ada", 0)
		delete(stays.board.drafts, "new-"+post)
		stays.SetOnline(true)
		stays.until("nobody's page", nobodys)
		stays.Act(Action{Name: "sign-in-as", Value: "kofi"})
		for _, s := range []*stage{stays, leaves} {
			s.until("kofi's page", func(b *board) bool { return barSays("kofi")(b) && len(b.shown) > 5 && !told("precious words")(b) })
		}
	}
}

// TestTabThatSlept: it hears of nothing, and finds another stay of the same user.
func TestTabThatSlept(t *testing.T) {
	s, p := newStage(t), newHousehold()
	first := s.open(p)
	post := first.enter("ada")
	sleeps := s.open(p)
	sleeps.until("ada's page", func(b *board) bool { return barSays("ada")(b) && len(b.shown) > 5 })
	sleeps.SetOnline(false)
	sleeps.Act(Action{Name: "comment-add", Post: post, Value: "precious words"})
	p.mu.Lock()
	p.pages = slices.DeleteFunc(p.pages, func(a *App) bool { return a == sleeps.App })
	p.mu.Unlock()
	defer sleeps.Stop()
	first.Act(Action{Name: "sign-out"})
	first.until("nobody's page", nobodys)
	first.enter("ada")
	sleeps.SetHidden(false)
	sleeps.draw()
	if !told("precious words")(sleeps.board) || sleeps.Unsettled() != 0 {
		t.Errorf("it goes on as if nothing had been; the bar says %q", sleeps.board.regions["header"].words())
	}
	sleeps.SetOnline(true)
	sleeps.until("the new stay", func(b *board) bool { return barSays("ada")(b) && len(b.shown) > 5 })
	if p.stored("ada") > 0 {
		t.Error("something is stored")
	}
}

// TestSignOutDuringATakeover: the user signs out in the tab that owns the journal, and the other tab
// hears of it while it takes the journal over.
func TestSignOutDuringATakeover(t *testing.T) {
	s, p := newStage(t), newHousehold()
	first := s.open(p)
	post := first.enter("ada")
	second := s.open(p)
	second.until("ada's page", func(b *board) bool { return barSays("ada")(b) && len(b.shown) > 5 })
	second.SetOnline(false)
	second.Act(Action{Name: "comment-add", Post: post, Value: "precious words"})
	heard := make(chan struct{})
	p.mu.Lock()
	p.pages = slices.DeleteFunc(p.pages, func(a *App) bool { return a == second.App })
	var once sync.Once
	p.loading = func() {
		second.mu.Lock()
		moving := second.moving
		second.mu.Unlock()
		if moving {
			once.Do(func() { second.Look(); close(heard) })
		}
	}
	p.mu.Unlock()
	defer second.Stop()
	first.Act(Action{Name: "sign-out"})
	first.until("nobody's page", nobodys)
	<-heard
	second.until("that ada has left", func(b *board) bool { return !barSays("ada")(b) && told("precious words")(b) })
	second.Stop() // the takeover has ended
	if n := p.stored("ada"); n != 0 {
		t.Errorf("%d changes are stored", n)
	}
}

// TestSignOutAndClose: the journal is deleted at the next start at the
// latest, before the page shows content, also if the page closes in the middle of signing
// out.
func TestSignOutAndClose(t *testing.T) {
	s, p := newStage(t), newHousehold()
	first := s.open(p)
	post := first.enter("ada")
	first.SetOnline(false)
	first.Act(Action{Name: "comment-add", Post: post, Value: "precious words"})
	p.holds(t, "ada", 1)
	first.wires.cut.Store(true)
	first.hooks.Shared.Set(leavingKey, "ada") // as far as the sign-out came
	first.close(p)

	next := s.open(p)
	next.until("no word of ada", func(b *board) bool { return b.regions["end"] != nil && b.regions["header"] != nil })
	if barSays("ada")(next.board) || next.board.regions["kept"] != nil {
		t.Error("it shows who was there")
	}
	next.wires.cut.Store(false)
	next.until("nobody's page", nobodys)
	p.holds(t, "ada", 0)
	if session, err := client.CurrentSession(t.Context(), s.wires); err != nil || session.Name != "" {
		t.Errorf("the session is %v, %v", session, err)
	}
}

// TestFailedSignOutIsForgotten: its notice goes with the next sign-in.
func TestFailedSignOutIsForgotten(t *testing.T) {
	s, p := newStage(t), newHousehold()
	tab := s.open(p)
	tab.enter("ada")
	tab.SetOnline(false)
	tab.wires.cut.Store(true)
	tab.Act(Action{Name: "sign-out"})
	tab.until("word that it did not work", told("still signed in"))
	tab.wires.cut.Store(false)
	if err := client.SignOut(t.Context(), s.wires); err != nil { // the session runs out
		t.Fatal(err)
	}
	tab.SetOnline(true)
	tab.Reopen()
	tab.until("the question who it is", func(b *board) bool { return b.regions["sign-in"] != nil })
	tab.Act(Action{Name: "sign-in-as", Value: "ada"})
	tab.until("ada's page", func(b *board) bool { return barSays("All saved")(b) && !told("still signed in")(b) })
}

// TestReloadWhileCutOff: the page shows the user and the stored changes without the
// network.
func TestReloadWhileCutOff(t *testing.T) {
	s, p := newStage(t), newHousehold()
	first := s.open(p)
	post := first.enter("ada")
	first.SetOnline(false)
	first.wires.cut.Store(true)
	first.Act(Action{Name: "like", Post: post})
	first.Act(Action{Name: "comment-add", Post: post, Value: "words of the train"})
	first.Act(Action{Name: "post-add", Value: "a post of the train"})
	p.holds(t, "ada", 3)
	first.close(p)

	next := s.open(p)
	next.until("ada and her changes", func(b *board) bool {
		return barSays("ada")(b) && barSays("3 unsent")(b) && b.regions["kept"] != nil
	})
	for _, words := range []string{"3 unsent changes", "Stored in this browser", "words of the train", "a post of the train"} {
		if !has(next.board.regions["kept"], words) {
			t.Errorf("it does not say %q: %s", words, next.board.regions["kept"].words())
		}
	}
	next.wires.cut.Store(false)
	next.SetOnline(true)
	next.until("everything saved", func(b *board) bool {
		return barSays("All saved")(b) && b.regions["kept"] == nil && len(b.shown) > 5 && postSays(b.shown[0], "a post of the train")(b)
	})

	// An expired session keeps the stored changes, also through a reload.
	next.SetOnline(false)
	next.Act(Action{Name: "comment-add", Post: post, Value: "words of the bus"})
	p.holds(t, "ada", 1)
	next.close(p)
	if err := client.SignOut(t.Context(), s.wires); err != nil { // the cookie goes
		t.Fatal(err)
	}
	last := s.open(p)
	last.until("the question who it is", func(b *board) bool {
		return barSays("Signed out, 1 unsent")(b) && has(b.regions["sign-in"], "Sign in as ada") && has(b.regions["kept"], "words of the bus")
	})
	if len(last.board.shown) > 0 {
		t.Error("it shows posts as others see them")
	}
	last.Act(Action{Name: "sign-in-as", Value: "ada"})
	defer func() {
		if t.Failed() {
			t.Logf("%q busy %v unsure %v %v %v", last.board.regions["sign-in"].words(), last.signIn, last.unsure, p.words, last.chrome)
		}
	}()
	last.until("everything saved", func(b *board) bool { return barSays("All saved")(b) && len(b.shown) > 5 && b.regions["kept"] == nil })
	if !slices.ContainsFunc(last.visit.service.Post(post).Value.Comments, func(c wire.Comment) bool { return c.Text == "words of the bus" }) {
		t.Error("the comment was lost")
	}
}

// TestSecondTabInherits: when the first tab goes, the second one stores the changes of
// both, goes on at its place, and loses no change of that moment.
func TestSecondTabInherits(t *testing.T) {
	s, p := newStage(t), newHousehold()
	first := s.open(p)
	post := first.enter("ada")
	second := s.open(p)
	second.until("ada's page", func(b *board) bool {
		return barSays("ada")(b) && barSays("Not stored offline")(b) && len(b.shown) > 5
	})
	first.SetOnline(false)
	first.Act(Action{Name: "comment-add", Post: post, Value: "of the first"})
	p.holds(t, "ada", 1)
	second.SetOnline(false)
	second.Act(Action{Name: "comments", Post: post})
	second.Act(Action{Name: "comment-add", Post: post, Value: "of the second"})
	other := second.board.shown[1]
	second.Act(Action{Name: "like", Post: other})
	second.draw()
	was := pressed(second.board.posts[other], "like")
	second.board.drafts["new-"+post] = "half a thought"
	if second.AtRisk() != 2 {
		t.Errorf("%d changes are at risk", second.AtRisk())
	}

	first.close(p)
	taps, written := 0, 0
	second.until("what both have done, stored", func(b *board) bool {
		if second.Act(Action{Name: "comment-add", Post: post, Value: "meanwhile"}) { // whenever that is
			written++
		}
		taps++
		return !barSays("Not stored offline")(b)
	})
	second.until("all of it", func(b *board) bool { return strings.Count(b.posts[post].words(), "meanwhile") >= written })
	if taps != written {
		t.Errorf("of %d comments %d were taken", taps, written)
	}
	for _, words := range []string{"of the first", "of the second"} {
		if !postSays(post, words)(second.board) {
			t.Errorf("the post does not say %q", words)
		}
	}
	if told("half a thought")(second.board) || pressed(second.board.posts[other], "like") != was || second.AtRisk() != 0 {
		t.Error("the page has changed")
	}
	p.holds(t, "ada", 3+written)
	second.close(p)

	third := s.open(p)
	third.until("all of it saved", func(b *board) bool {
		return len(b.shown) > 5 && barSays("All saved")(b)
	})
	truth, err := s.server.Store().Truth(t.Context(), post, "ada")
	if err != nil {
		t.Fatal(err)
	}
	for words, want := range map[string]int{"of the first": 1, "of the second": 1, "meanwhile": written} {
		n := 0
		for _, c := range truth.Comments {
			if c.Text == words {
				n++
			}
		}
		if n != want && want+2 < 50 { // of more a post has but the last
			t.Errorf("the server has %q %d times, want %d", words, n, want)
		}
	}
	p.holds(t, "ada", 0)
}
