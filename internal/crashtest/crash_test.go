package crashtest

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/optimist-go/optimist"
)

func TestMain(m *testing.M) {
	if job := os.Getenv(childVariable); job != "" {
		child(job)
	}
	os.Exit(m.Run())
}

// roundsPerDrain is how many kills a journal sees before it must come to rest.
const roundsPerDrain = 10

func TestLaw30_KillAtRandomInstants(t *testing.T) {
	rounds, seed := variable(t, "CRASHTEST_ROUNDS", 40), uint64(variable(t, "CRASHTEST_SEED", int(time.Now().UnixNano()>>10)))
	t.Logf("CRASHTEST_SEED=%d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	j := &judge{t: t, s: newServer(seed), open: make(map[string]promise), gone: make(map[string]bool), discarded: make(map[string]bool)}
	web := httptest.NewServer(j.s)
	defer web.Close()
	defer j.s.arrive(true)

	o := order{Dir: t.TempDir(), URL: web.URL}
	restored := 0
	for round := range rounds {
		if round%roundsPerDrain == 0 {
			o.Entities = nil
			for i := range 4 {
				o.Entities = append(o.Entities, fmt.Sprintf("%d-%d", round, i))
			}
		}
		o.Seed, o.First = rng.Uint64(), 1+round*1_000_000
		j.s.arrive(false)
		// Some rounds kill the process while it starts, opens and restores.
		restored += j.live(o, rng.IntN(600)-20)
		if round%roundsPerDrain == roundsPerDrain-1 || round == rounds-1 {
			o.Drain = true
			j.s.arrive(true)
			restored += j.live(o, -1)
			j.rest(o)
			o.Drain = false
		}
		j.s.mu.Lock()
		for _, w := range j.s.wrong {
			t.Error(w)
		}
		j.s.mu.Unlock()
		if t.Failed() {
			t.Fatalf("in round %d", round)
		}
	}
	t.Logf("%d kills: %d taps, %d durable, %d restored, %d calls repeated, %d effects",
		rounds, len(j.taps), j.promised, restored, j.s.repeats, len(j.s.applied))
}

func variable(t *testing.T, name string, otherwise int) int {
	s := os.Getenv(name)
	if s == "" {
		return otherwise
	}
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

// promise is an operation that a child has called durable.
type promise struct {
	tap int
	at  optimist.Timestamp
}

// judge knows what the children have said.
type judge struct {
	t         *testing.T
	s         *server
	taps      []report // announced, in order
	promised  int
	open      map[string]promise // by id, not known to be settled
	gone      map[string]bool    // ids that were settled when a life began
	discarded map[string]bool
	views     []report
}

// live runs a child, kills it when it has said a number of lines (never, if that is
// negative and the child is to drain), and returns how many operations it restored.
func (j *judge) live(o order, lines int) int {
	t := j.t
	t.Helper()
	job, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childVariable+"="+string(job))
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = cmd.Process.Kill()
		_, _ = io.Copy(io.Discard, stdout)
		_ = stdin.Close()
		_ = cmd.Wait()
	}()
	j.s.mu.Lock()
	seen := make(map[string]bool)
	for id := range j.s.seen {
		seen[id] = true
	}
	j.s.mu.Unlock()
	var restored []report
	j.views = nil
	said := bufio.NewScanner(stdout)
	for n := 0; ; n++ {
		if n >= lines && !o.Drain {
			_ = cmd.Process.Kill() // what it has said until now is still to be read
		}
		if !said.Scan() {
			break
		}
		var r report
		if err := json.Unmarshal(said.Bytes(), &r); err != nil {
			t.Fatalf("the child says %q", said.Text())
		}
		switch r.Kind {
		case "restored":
			if seen[r.ID] && r.Calls == 0 {
				t.Errorf("%s left in an earlier life, and the journal does not know", r.ID)
			}
			restored = append(restored, r)
		case "ready":
			j.compare(restored)
		case "tap":
			j.taps = append(j.taps, r)
		case "durable":
			if _, ok := j.open[r.ID]; !ok && !j.gone[r.ID] {
				j.promised++
				j.open[r.ID] = promise{r.Tap, r.At}
			}
		case "discard":
			j.discarded[r.ID] = true
		case "view":
			j.views = append(j.views, r)
		case "error":
			t.Errorf("the child says: %s", r.Text)
		case "drained":
			return len(restored)
		}
	}
	if o.Drain {
		t.Fatal("the child ended before everything was settled")
	}
	return len(restored)
}

// compare holds what a life found against what earlier ones have promised.
func (j *judge) compare(restored []report) {
	there := make(map[string]bool)
	for _, r := range restored {
		there[r.ID] = true
		if j.gone[r.ID] {
			j.t.Errorf("%s was settled and is back", r.ID)
		}
		if p, ok := j.open[r.ID]; ok && p.at != r.At {
			j.t.Errorf("%s was made at %v and is restored as of %v", r.ID, p.at, r.At)
		}
	}
	j.s.mu.Lock()
	defer j.s.mu.Unlock()
	for id, p := range j.open {
		if there[id] {
			continue
		}
		if !j.settled(id, p.tap) {
			j.t.Errorf("%s (%+v) was durable and is lost", id, j.tap(p.tap))
		}
		delete(j.open, id)
		j.gone[id] = true
	}
}

// settled reports whether an operation can have ended. It needs the server's lock.
func (j *judge) settled(id string, tap int) bool {
	made := j.tap(tap)
	switch {
	case j.s.applied[id], j.discarded[id], j.s.rejected[id] && made.Type == "add":
		return true
	case made.Type == "toggle" && j.s.docs[made.Entities[0]].On == made.On:
		return true // nothing needed to be sent
	case made.Type == "reply":
		for rejected := range j.s.rejected {
			if j.s.seen[rejected].Tap == made.Parent {
				return true
			}
		}
	}
	// The person has decided otherwise since.
	return slices.ContainsFunc(j.taps, func(r report) bool { return r.Tap > tap && sameSlot(r, made) })
}

func (j *judge) tap(number int) report {
	return j.taps[slices.IndexFunc(j.taps, func(r report) bool { return r.Tap == number })]
}

// rest looks at the end of it all.
func (j *judge) rest(o order) {
	j.s.mu.Lock()
	defer j.s.mu.Unlock()
	if len(j.views) < len(o.Entities) {
		j.t.Errorf("%d views of %d entities", len(j.views), len(o.Entities))
	}
	for _, v := range j.views {
		if e := v.Entities[0]; v.Doc != j.s.docs[e] || v.Pending != 0 {
			j.t.Errorf("%s is shown as %+v with %d pending; the server has %+v", e, v.Doc, v.Pending, j.s.docs[e])
		}
	}
	for id, p := range j.open {
		j.gone[id] = true
		if !j.settled(id, p.tap) {
			j.t.Errorf("%s (%+v) was durable and has no effect", id, j.tap(p.tap))
		}
	}
	clear(j.open)
	j.inOrder(o)
}

// inOrder checks that each lane was sent in the order of the taps. What was parked
// comes when the person says so.
func (j *judge) inOrder(o order) {
	kinds := make(map[string]string)
	for _, r := range j.taps {
		kinds[strconv.Itoa(r.Tap)] = r.Type
	}
	for _, e := range o.Entities {
		last := 0
		for _, number := range strings.Fields(j.s.docs[e].Log) {
			tap, _ := strconv.Atoi(number)
			if kinds[number] == "rude" {
				continue
			}
			if tap < last {
				j.t.Errorf("%s: tap %d was sent after tap %d", e, tap, last)
			}
			last = tap
		}
	}
}
