package httpapi

import (
	"container/list"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestWhoHasToGo reads scripts of a room with 6 places, 3 of each owner, and a patience of
// 10. "a1" is a guest of owner a who enters at the next moment, and waits for its client
// unless it is written "a1!"; behind ">" is who had to go for it, or "no".
func TestWhoHasToGo(t *testing.T) {
	for _, script := range []string{
		"a1 a2 a3 a4>no",                            // a share is a share
		"a1 a2 a3 +10 a4>a1 a5>a2 a6>a3 a7>no",      // but its oldest goes, in time
		"a1! a2 a3 +10 a4>a2 a5>a3 a6>no",           // if it waits
		"a1 a2 a3 b1 b2 b3 c1>a1 c2>b1 c3>no",       // the last shares of two
		"a1 a2 a3 b1 b2 c1 d1>a1 d2>no",             // of the one who has most
		"a1! a2! a3! b1 b2 b3 c1>b1 c2>no",          // and waits
		"a1 b1 c1 d1 e1 f1 g1>no +3 g1>a1 h1>b1",    // all have the same
		"a1! b1 c1 d1 e1 f1 +10 g1>b1",              //
		"a1! a2! a3! b1! b2! b3! c1>no +20 c1>no",   // nobody waits
		"a1 a2 a3 b1 b2 b3 +20 a4>a1 a5>a2 c1>a3",   // own first, even when there is no place at all
		"a1 a2 a3 -a2 a4 a5>no -a1 -a1 a5 b1 b2 c1", // who has left has left
	} {
		now := time.Unix(0, 0)
		r := room{most: 6, mostEach: 3, patience: 10, now: func() time.Time { return now }}
		guests := make(map[string]*guest)
		gone := ""
		for _, step := range strings.Fields(script) {
			name, want, _ := strings.Cut(step, ">")
			name, works := strings.CutSuffix(name, "!")
			switch name[0] {
			case '+':
				wait, _ := time.ParseDuration(name[1:] + "ns")
				now = now.Add(wait)
				continue
			case '-':
				guests[name[1:]].leave()
				continue
			}
			now, gone = now.Add(1), ""
			g, err := r.enter(name[:1])
			if err != nil {
				gone = "no"
			} else if guests[name] = g; !works {
				g.wait(func() { gone = name })
			}
			if gone != want {
				t.Errorf("%s: for %s goes %q", script, name, gone)
			}
			if gone != "" && gone != "no" && guests[gone].work() {
				t.Errorf("%s: %s does not know", script, gone)
			}
		}
	}
}

// TestRoomCountsItsGuests lets guests come and go at random.
func TestRoomCountsItsGuests(t *testing.T) {
	now := time.Unix(0, 0)
	r := room{most: 20, mostEach: 8, patience: 30, now: func() time.Time { return now }}
	draws := rand.New(rand.NewPCG(1, 2))
	var guests []*guest
	for range 10_000 {
		now = now.Add(1)
		if g, err := r.enter(string(rune('a' + draws.IntN(5)))); err == nil {
			guests = append(guests, g)
			if draws.IntN(3) > 0 {
				g.wait(func() {})
			}
		}
		if len(guests) > 0 && draws.IntN(3) == 0 {
			i := draws.IntN(len(guests))
			guests[i].leave()
			guests = append(guests[:i], guests[i+1:]...)
		}
		there := 0
		for owner, of := range r.each {
			there += len(of)
			if len(of) == 0 || len(of) > r.mostEach {
				t.Fatalf("owner %s has %d guests", owner, len(of))
			}
		}
		if there != r.total || there > r.most {
			t.Fatalf("%d guests, counted %d", there, r.total)
		}
	}
	for _, g := range guests {
		g.leave()
	}
	if r.total != 0 || len(r.each) != 0 {
		t.Errorf("an empty room has %d guests", r.total)
	}
}

// TestQuietConnections: of too many the longest quiet is closed, and who speaks is not.
func TestQuietConnections(t *testing.T) {
	q := &quietConns{most: 2, places: make(map[net.Conn]*list.Element)}
	conns := make([]net.Conn, 5)
	others := make([]net.Conn, 5)
	for i := range conns {
		conns[i], others[i] = net.Pipe()
		defer conns[i].Close()
	}
	open := func() (open string) {
		for i, other := range others {
			other.SetReadDeadline(time.Unix(1, 0)) // a closed room says so first
			if _, err := other.Read(make([]byte, 1)); err != nil && err.Error() != "EOF" {
				open += string(rune('0' + i))
			}
		}
		return open
	}
	for _, step := range []struct {
		conn  int
		state http.ConnState
		open  string
	}{
		{0, http.StateNew, "01234"}, {1, http.StateNew, "01234"}, {0, http.StateActive, "01234"}, {2, http.StateNew, "01234"},
		{3, http.StateNew, "0234"},   // one has been quiet longer than two
		{0, http.StateIdle, "034"},   // and two than three
		{3, http.StateClosed, "034"}, // by itself
		{4, http.StateNew, "034"},
	} {
		q.note(conns[step.conn], step.state)
		if got := open(); got != step.open {
			t.Errorf("%d is %v: %s are open, want %s", step.conn, step.state, got, step.open)
		}
	}
	q.close()
	if got := open(); got != "3" { // of which the server has no word
		t.Errorf("after close %s are open", got)
	}
	q.note(conns[3], http.StateNew)
	if got := open(); got != "" {
		t.Errorf("and %s after that", got)
	}
}
