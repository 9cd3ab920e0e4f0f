package sim

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// Script has all draws before a run: the faults of the world, and the acts of
// people and processes.
type Script struct {
	Seed     uint64
	Clients  int
	Entities int
	Posts    int             // entities more, which are not there at first
	Keep     bool            // posts that the server refuses are parked
	Fold     bool            // a title becomes that of a post that has not left
	Skews    []time.Duration // of the clients' clocks
	Strict   bool            // the server wants titles written on its latest version
	Reads    bool            // entities of which a client is unsure are read anew
	Faults   Faults
	Eras     bool    // the server is restored from backups
	Pieces   float64 // how many pushes say only what has changed
	Pages    bool    // all entities are read in one page
	Steps    []Step
}

// Faults are how often the network and the server misbehave.
type Faults struct {
	LostRequest, LostAnswer, LostPush, Duplicate, Slow, Busy float64
	VersionOnly, Silent, Lag                                 float64 // answers
	Lists                                                    float64 // reads that tell no version
	NoID                                                     float64 // answers to creations that tell no id
	Expire                                                   bool    // the server forgets keys
	Contains                                                 bool    // truth names the operations in it
}

// Step is one thing that somebody does, Wait after the step before.
type Step struct {
	Wait   time.Duration
	Client int
	Do     string
	Entity int
	N      int // chooses among the present items
	Poison bool
}

func (s Step) String() string {
	poison := ""
	if s.Poison {
		poison = " poison"
	}
	return fmt.Sprintf("+%-8v c%d %s e%d %d%s", s.Wait, s.Client, s.Do, s.Entity, s.N, poison)
}

func (s Script) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "seed %d: %d clients, %d entities, %d posts (keep %v, fold %v), skews %v, strict %v, reads %v, eras %v, pieces %v, pages %v, %+v\n",
		s.Seed, s.Clients, s.Entities, s.Posts, s.Keep, s.Fold, s.Skews, s.Strict, s.Reads, s.Eras, s.Pieces, s.Pages, s.Faults)
	for _, step := range s.Steps {
		fmt.Fprintf(&b, "  %v\n", step)
	}
	return b.String()
}

// doings are the possible steps, with their weights.
var doings = weighted(map[string]int{
	like: 14, star: 4, title: 7, visit: 9, create: 6, edit: 7, remove: 4, pair: 5,
	"visit after": 5, "pair after": 2, "batch": 2, write: 9, erase: 4,
	"cancel": 3, "roll back all": 1, "clear all": 1, "decide": 3, "flush": 1,
	"cut": 3, "offline": 2, "log out": 1, "kill": 2, "crash before write": 3, "crash after write": 3,
	"refuse write": 2, "somebody else": 3, "set clock": 3, "look": 5, "why": 5, "undo": 8,
	draft: 7, mark: 6, rename: 5, drop: 3, cite: 4,
})

func weighted(m map[string]int) []string {
	var out []string
	for _, k := range sortedKeys(m) {
		for range m[k] {
			out = append(out, k)
		}
	}
	return out
}

// Draw makes the script of a seed.
func Draw(seed uint64) Script {
	r := rand.New(rand.NewPCG(seed, 0x5eed))
	s := Script{Seed: seed, Clients: 2 + r.IntN(3), Entities: 2 + r.IntN(2), Strict: r.IntN(3) == 0}
	for range s.Clients {
		skew := time.Duration(0)
		switch r.IntN(6) {
		case 0, 1:
			skew = time.Duration(r.IntN(240_000)-120_000) * time.Millisecond
		case 2:
			skew = time.Duration(r.IntN(1200)-600) * time.Second // beyond MaxDrift
		}
		s.Skews = append(s.Skews, skew)
	}
	s.Posts, s.Keep, s.Fold = 1+r.IntN(3), r.IntN(2) == 0, r.IntN(3) == 0
	rate := func(most float64) float64 {
		if r.IntN(4) == 0 {
			return 0
		}
		return r.Float64() * most
	}
	s.Faults = Faults{
		LostRequest: rate(0.2), LostAnswer: rate(0.2), LostPush: rate(0.5), Duplicate: rate(0.3), Slow: rate(0.15), Busy: rate(0.2),
		Contains: r.IntN(4) > 0,
	}
	switch r.IntN(4) {
	case 0:
		s.Faults.VersionOnly = 0.5
	case 1:
		s.Faults.VersionOnly = 1
	}
	n := 10 + r.IntN(50)
	tail := r.IntN(3) // how hurried people are
	for range n {
		step := Step{Client: r.IntN(s.Clients), Do: doings[r.IntN(len(doings))], Entity: r.IntN(s.Entities + s.Posts), N: r.IntN(1000), Poison: r.IntN(10) == 0}
		if step.Do == write || step.Do == erase {
			step.Poison = r.IntN(3) == 0
		}
		switch r.IntN(4) {
		case 0:
			step.Wait = time.Duration(r.IntN(50)) * time.Millisecond
		case 1, 2:
			step.Wait = time.Duration(r.IntN(700)) * time.Millisecond
		case 3:
			step.Wait = time.Duration(r.IntN(1+tail*5000)) * time.Millisecond
		}
		step.Wait += time.Duration(1 + r.IntN(900_000)) // no two things at one instant
		s.Steps = append(s.Steps, step)
	}
	if s.Faults.Contains && r.IntN(6) == 0 {
		s.Faults.Silent = 0.4
	}
	if r.IntN(3) == 0 {
		s.Faults.Lag = 0.4
	}
	s.Reads = r.IntN(2) == 0
	if r.IntN(3) == 0 {
		s.Faults.Lists = 0.7
	}
	later := rand.New(rand.NewPCG(seed, 0xe7a))
	s.drawPieces(later)
	s.drawPages(later)
	s.drawEras(later)
	if r.IntN(3) == 0 {
		s.Faults.NoID = 0.4
	}
	s.Faults.Expire = r.IntN(4) == 0
	return s
}
