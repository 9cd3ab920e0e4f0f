package journaltest

import (
	"math/rand/v2"

	"github.com/optimist-go/optimist/journal"
)

// Generator makes random batches as a manager would write them: new, changed and
// settled operations, now and then the header. The same seed makes the same
// batches. A Generator is not safe for concurrent use.
type Generator struct {
	// Largest bounds the data of a record, in bytes. Zero means 10,000. Most records
	// have up to 200, like an operation.
	Largest int

	rng  *rand.Rand
	next uint64 // the first unused sequence number
	step uint64
	live []uint64
}

// NewGenerator returns a generator whose sequence numbers are first, first+step and
// so on. With different remainders several generators write to one journal without
// sharing a record; then none of them writes the header if first is not 1.
func NewGenerator(seed, first, step uint64) *Generator {
	return &Generator{rng: rand.New(rand.NewPCG(seed, first)), next: first, step: step}
}

// Next returns the next batch, of one to six records.
func (g *Generator) Next() []journal.Record {
	batch := make([]journal.Record, 0, 6)
	for range 1 + g.rng.IntN(6) {
		batch = append(batch, g.record())
	}
	return batch
}

func (g *Generator) record() journal.Record {
	switch pick := g.rng.IntN(20); {
	case pick == 0 && g.step == 1:
		return journal.Record{Seq: 0, Data: g.data()}
	case pick < 4 && len(g.live) > 0:
		return journal.Record{Seq: g.live[g.rng.IntN(len(g.live))], Data: g.data()}
	case pick < 12 && len(g.live) > 0:
		i := g.rng.IntN(len(g.live))
		seq := g.live[i]
		g.live[i] = g.live[len(g.live)-1]
		g.live = g.live[:len(g.live)-1]
		return journal.Record{Seq: seq, Settled: true, Data: g.data()}
	}
	seq := g.next
	g.next += g.step
	g.live = append(g.live, seq)
	return journal.Record{Seq: seq, Data: g.data()}
}

// data returns data mostly of the size of an operation, sometimes empty, sometimes
// large.
func (g *Generator) data() []byte {
	n := g.rng.IntN(200)
	switch g.rng.IntN(20) {
	case 0:
		n = 0
	case 1:
		n = g.rng.IntN(10_000)
	}
	if g.Largest > 0 {
		n = min(n, g.Largest)
	}
	data := make([]byte, n)
	for i := range data {
		data[i] = byte(g.rng.Uint32())
	}
	return data
}
