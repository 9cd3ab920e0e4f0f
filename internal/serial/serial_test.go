package serial

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/optimist-go/optimist/internal/engine"
)

var space = engine.NewSpace("post")

func key(id string) engine.Key { return engine.Key{Space: space, ID: id} }

func TestSerial_OneAtATimeForEachKey(t *testing.T) {
	var q Queues
	first, ready := q.Add(1, nil, key("a"))
	if !ready {
		t.Fatal("the first of a key may not run")
	}
	second, ready := q.Add(2, nil, key("a"))
	if ready {
		t.Error("two of one key may run")
	}
	if _, ready := q.Add(3, nil, key("b")); !ready {
		t.Error("keys wait for each other")
	}
	if next := q.Finish(first); len(next) != 1 || next[0] != second {
		t.Errorf("after the first comes %v", next)
	}
}

func TestSerial_ATaskOfSeveralKeysWaitsForAll(t *testing.T) {
	var q Queues
	a, _ := q.Add(1, nil, key("a"))
	b, _ := q.Add(2, nil, key("b"))
	both, ready := q.Add(3, nil, key("a"), key("b"))
	later, _ := q.Add(4, nil, key("a"))
	if ready {
		t.Error("it does not wait")
	}
	if next := q.Finish(a); len(next) != 0 {
		t.Errorf("it does not wait for b: %v", next)
	}
	if next := q.Finish(b); len(next) != 1 || next[0] != both {
		t.Errorf("then comes %v", next)
	}
	if next := q.Finish(both); len(next) != 1 || next[0] != later {
		t.Errorf("then comes %v", next)
	}
	q.Finish(later)
	if !q.Empty() || q.of != nil {
		t.Error("the queues keep something")
	}
}

func TestSerial_CallsOfATaskAreMadeInTurn(t *testing.T) {
	var q Queues
	var made []int
	calls := []func(){func() { made = append(made, 1) }, func() { made = append(made, 2) }}
	task, _ := q.Add(1, calls, key("a"))
	behind, _ := q.Add(2, calls, key("a"))
	task.Next()()
	q.Running(func(running any, begun uint64) {
		if running != task || begun != 1 {
			t.Errorf("%v runs, and %d of its calls have begun", running, begun)
		}
	})
	task.Next()()
	if !slices.Equal(made, []int{1, 2}) || task.Next() != nil {
		t.Errorf("made were %v", made)
	}
	q.Drop()
	if behind.Next() != nil {
		t.Error("a call that was dropped is made")
	}
}

// Any tasks of any keys end, in the order of their keys, and never two of one key run.
func TestSerial_NothingWaitsForEver(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 2))
		var q Queues
		var runs []*Task
		last := make(map[engine.Key]int) // of each key, the task that ended last
		start := func(tasks ...*Task) {
			for _, task := range tasks {
				for _, other := range runs {
					if slices.ContainsFunc(task.Keys, func(k engine.Key) bool { return slices.Contains(other.Keys, k) }) {
						t.Fatalf("seed %d: two tasks of one key run", seed)
					}
				}
				runs = append(runs, task)
			}
		}
		added := 0
		for added < 60 || len(runs) > 0 {
			if added < 60 && r.IntN(2) == 0 {
				added++
				var keys []engine.Key
				for _, k := range r.Perm(5)[:1+r.IntN(3)] {
					keys = append(keys, key(fmt.Sprint(k)))
				}
				if task, ready := q.Add(added, nil, keys...); ready {
					start(task)
				}
				continue
			}
			if len(runs) == 0 {
				continue
			}
			i := r.IntN(len(runs))
			task := runs[i]
			runs = slices.Delete(runs, i, i+1)
			for _, k := range task.Keys {
				if last[k] > task.Value.(int) {
					t.Fatalf("seed %d: task %v of key %v ran after %d", seed, task.Value, k, last[k])
				}
				last[k] = task.Value.(int)
			}
			start(q.Finish(task)...)
		}
		if !q.Empty() {
			t.Fatalf("seed %d: tasks wait for ever", seed)
		}
	}
}
