package engaged

import (
	"context"
	"encoding/json"
	"time"

	"github.com/optimist-go/optimist/engagement/fault"
)

// keepNetwork stores the choice of a session in the network panel, so that it holds at all
// servers of the database.
func (m *Main) keepNetwork(ctx context.Context, session string, setting *fault.Setting) error {
	var text []byte
	if setting != nil {
		var err error
		if text, err = json.Marshal(setting); err != nil {
			return err
		}
	}
	return m.store.SetNetwork(ctx, session, string(text))
}

// restBetweenLooks is the least time between two looks for choices.
const restBetweenLooks = 100 * time.Millisecond

// overlap is the time by which each search for choices goes back before the previous one,
// in milliseconds: a choice may be committed that long after its time.
const overlap = 5000

// followNetworks puts the choices of sessions at other servers in force at this one, until
// ctx ends.
func (m *Main) followNetworks(ctx context.Context) {
	wake := make(chan struct{}, 1)
	stop := m.store.Watch(func() {
		select {
		case wake <- struct{}{}:
		default:
		}
	})
	defer stop()
	known := make(map[string]int64) // the time of each session's choice
	var since int64                 // zero: all stored choices
	for {
		since = m.takeNetworks(ctx, since, known)
		select {
		case <-wake:
		case <-ctx.Done():
			return
		}
		select { // most wake-ups have another cause
		case <-time.After(restBetweenLooks):
		case <-ctx.Done():
			return
		}
	}
}

// takeNetworks puts the unknown choices since a time in force, and returns the time for
// the next search.
func (m *Main) takeNetworks(ctx context.Context, since int64, known map[string]int64) int64 {
	all, err := m.store.Networks(ctx, since)
	if err != nil {
		return since // the database is away; the next search comes soon
	}
	for _, n := range all {
		since = max(since, n.SetAt-overlap)
		if known[n.Session] == n.SetAt {
			continue
		}
		known[n.Session] = n.SetAt
		var setting fault.Setting
		if n.Setting == "" || json.Unmarshal([]byte(n.Setting), &setting) != nil || m.network.Set(n.Session, setting) != nil {
			m.network.Clear(n.Session)
		}
	}
	for session, at := range known {
		if at < since {
			delete(known, session) // it is not looked for again
		}
	}
	return since
}
