package serial

import (
	"math/rand/v2"
	"slices"
	"testing"
)

func TestSerial_OneAtATimeForEachKey(t *testing.T) {
	var q Queues[string, int]
	first, ready := q.Add(1, nil, "a")
	if !ready {
		t.Fatal("the first of a key may not run")
	}
	second, ready := q.Add(2, nil, "a")
	if ready {
		t.Error("two of one key may run")
	}
	if _, ready := q.Add(3, nil, "b"); !ready {
		t.Error("keys wait for each other")
	}
	if next := q.Finish(first); len(next) != 1 || next[0] != second {
		t.Errorf("after the first comes %v", next)
	}
}

func TestSerial_ATaskOfSeveralKeysWaitsForAll(t *testing.T) {
	var q Queues[string, int]
	a, _ := q.Add(1, nil, "a")
	b, _ := q.Add(2, nil, "b")
	both, ready := q.Add(3, nil, "a", "b")
	later, _ := q.Add(4, nil, "a")
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
	var q Queues[string, int]
	var made []int
	calls := []func(){func() { made = append(made, 1) }, func() { made = append(made, 2) }}
	task, _ := q.Add(1, calls, "a")
	behind, _ := q.Add(2, calls, "a")
	task.Next()()
	for running, begun := range q.Running {
		if running != task || begun != 1 {
			t.Errorf("task %d runs, and %d of its calls have begun", running.Value, begun)
		}
	}
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
		var q Queues[int, int]
		var runs []*Task[int, int]
		last := make(map[int]int) // of each key, the task that ended last
		start := func(tasks ...*Task[int, int]) {
			for _, task := range tasks {
				for _, other := range runs {
					if slices.ContainsFunc(task.Keys, func(k int) bool { return slices.Contains(other.Keys, k) }) {
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
				keys := r.Perm(5)[:1+r.IntN(3)]
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
				if last[k] > task.Value {
					t.Fatalf("seed %d: task %d of key %d ran after %d", seed, task.Value, k, last[k])
				}
				last[k] = task.Value
			}
			start(q.Finish(task)...)
		}
		if !q.Empty() {
			t.Fatalf("seed %d: tasks wait for ever", seed)
		}
	}
}
