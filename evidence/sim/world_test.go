package sim

import (
	"fmt"
	"sort"
	"strings"
	"sync"
	"time"

	"github.com/optimist-go/optimist/reason"
)

// World plays one script. Its lock is taken before any of the library's, never after.
type World struct {
	script   Script
	began    time.Time
	server   *Server
	clients  []*Client
	entities []string
	stats    Stats

	mu       sync.Mutex
	running  sync.WaitGroup
	made     int     // titles by somebody else
	web      *Client // another user, who changes the server directly
	calm     bool    // no faults any more
	problems []string
	tracing  bool
	lines    []string
	names    map[string]int // of lives, by the random part of their ids

	strangers int // large pages

	sent    map[string]sent
	heardOf map[deed]heard
	reads   []read
	open    map[string]openCall // by operation
	ids     names
}

// Stats counts the events of a run.
type Stats struct {
	Operations, Calls, Effects, Deduplicated, Conflicts                 int
	LostRequests, LostAnswers, LostPushes, Duplicates, CutCalls         int
	Crashes, CrashesAtWrite, Writes, Cuts, Jumps, RolledBack, Cancelled int
	Restored, Parked, Views, Reads, Early, Lists, Written, WentAlong    int
	Undone, UndoneForGood                                               int
	Named, NamedByPush, NoIDs, Expired, Apart                           int
	Reasons                                                             [reason.Loading + 1]int // taken away, by kind
	Fitted, Gaps, Pages                                                 int                     // pieces that fit, or do not
	Eras
}

// Add counts two runs together.
func (s *Stats) Add(o Stats) {
	s.Operations += o.Operations
	s.Calls += o.Calls
	s.Effects += o.Effects
	s.Deduplicated += o.Deduplicated
	s.Conflicts += o.Conflicts
	s.LostRequests += o.LostRequests
	s.LostAnswers += o.LostAnswers
	s.LostPushes += o.LostPushes
	s.Duplicates += o.Duplicates
	s.CutCalls += o.CutCalls
	s.Crashes += o.Crashes
	s.CrashesAtWrite += o.CrashesAtWrite
	s.Writes += o.Writes
	s.Cuts += o.Cuts
	s.Jumps += o.Jumps
	s.RolledBack += o.RolledBack
	s.Cancelled += o.Cancelled
	s.Restored += o.Restored
	s.Parked += o.Parked
	s.Views += o.Views
	s.Reads += o.Reads
	s.Early += o.Early
	s.Lists += o.Lists
	s.Written += o.Written
	s.WentAlong += o.WentAlong
	s.Named += o.Named
	s.NamedByPush += o.NamedByPush
	s.NoIDs += o.NoIDs
	s.Expired += o.Expired
	s.Apart += o.Apart
	s.Undone += o.Undone
	s.UndoneForGood += o.UndoneForGood
	for kind, n := range o.Reasons {
		s.Reasons[kind] += n
	}
	s.Fitted += o.Fitted
	s.Gaps += o.Gaps
	s.Pages += o.Pages
	s.Eras.add(o.Eras)
}

func (w *World) now() time.Duration { return time.Since(w.began) }

// fail records a broken promise. The caller has the lock.
func (w *World) fail(format string, args ...any) {
	text := fmt.Sprintf("%v: %s", w.now(), fmt.Sprintf(format, args...))
	w.problems = append(w.problems, text)
	w.trace("PROBLEM %s", text)
}

func (w *World) failed(format string, args ...any) {
	w.mu.Lock()
	w.fail(format, args...)
	w.mu.Unlock()
}

func (w *World) trace(format string, args ...any) {
	if w.tracing {
		w.lines = append(w.lines, fmt.Sprintf("%12v  %s", w.now().Round(time.Microsecond), fmt.Sprintf(format, args...)))
	}
}

// name is an operation's id for people: client, life, number.
func (w *World) name(id string) string {
	parts := strings.Split(id, "-")
	if len(parts) != 3 {
		return id
	}
	if _, ok := w.names[parts[1]]; !ok {
		w.names[parts[1]] = len(w.names) + 1
	}
	return fmt.Sprintf("%s.%d.%s", parts[0], w.names[parts[1]], parts[2])
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}
