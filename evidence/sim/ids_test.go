package sim

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/journal"
)

// Notes are entities whose ids the server makes. The simulation knows each by its first id ("d1c0"), which its
// client has chosen; the server's id ("s1") is in calls, in truth that clients receive, and in views.

// The types of operations on notes. To the server and to the checks each is like one on posts.
const (
	draft  = "draft"
	mark   = "mark"
	rename = "rename"
	drop   = "drop"
	cite   = "cite" // a visit of a post, which refers to a note
)

var alike = map[string]string{draft: write, mark: like, rename: title, drop: erase}

// baseType is the type on posts like which one is.
func baseType(typ string) string {
	if b := alike[typ]; b != "" {
		return b
	}
	return typ
}

func isNote(id string) bool { return strings.HasPrefix(id, "d") }

// keyLife is how long the server knows the keys of operations on notes, if it forgets them at all.
const keyLife = 15 * time.Second

var errExpired = errors.New("the key is so old that its operation may have been done, and forgotten")

// names are the pairs of names of all notes.
type names struct {
	server, first map[string]string
	makers        map[string]string // keys of their creations, by first id
	drafted       []string          // first ids, also of notes that were never made
	made          []string          // the same, of those that were
}

func newNames() names {
	return names{server: make(map[string]string), first: make(map[string]string), makers: make(map[string]string)}
}

// canon is the first id for any name of an entity.
func (w *World) canon(id string) string {
	if first := w.ids.first[id]; first != "" {
		return first
	}
	return id
}

// make gives a note its id when the server makes it.
func (w *World) namesNote(first, key string) {
	if !isNote(first) || w.ids.server[first] != "" {
		return
	}
	w.ids.makers[first] = key
	id := fmt.Sprintf("s%d", len(w.ids.made)+1)
	w.ids.server[first], w.ids.first[id] = id, first
	w.ids.made = append(w.ids.made, first)
	w.stats.Named++
}

// madeTwice finds a creation that comes under a second key, unless its client was told that the first came to nothing.
func (s *Server) madeTwice(r request) {
	maker := s.w.ids.makers[r.entity]
	if r.typ == write && maker != "" && maker != r.id && !s.denied[maker] && !s.belated[maker] && !r.client.withheld[r.entity] {
		s.w.fail("%s makes %s, which %s has made", s.w.name(r.id), r.entity, s.w.name(maker))
	}
}

// expired is the server's answer to a key that it may have forgotten.
func (s *Server) expired(r request) (answer, bool) {
	if !s.w.script.Faults.Expire || !isNote(r.entity) || s.w.now()-s.w.sent[r.id].at < keyLife {
		return answer{}, false
	}
	if _, heard := s.w.heardOf[deed{r.id, s.era}]; s.done[r.id] != nil && !heard {
		s.denied[r.id] = true
	}
	s.w.stats.Expired++
	return answer{err: optimist.Fail(optimist.Permanent, errExpired)}, true
}

// registerNotes makes the types of operations on notes known.
func (l *life) registerNotes(def func(typ string) optimist.Mutation[Post, Args]) {
	w := l.c.w
	opts := optimist.StoreOptions[Post]{Equal: equalPosts}
	if w.script.Reads {
		opts.Read = func(ctx context.Context, id string) (optimist.Truth[Post], error) {
			w.mu.Lock()
			first := w.ids.first[id]
			if first == "" {
				w.fail("%s reads note %q, which no server knows", l.c, id)
			}
			w.mu.Unlock()
			if first == "" {
				return optimist.Truth[Post]{}, errGone
			}
			return l.readAnew(ctx, first)
		}
	}
	l.notes = optimist.NewStore(l.m, "note", opts)
	note := func(typ string) optimist.Mutation[Post, Args] {
		d := def(alike[typ])
		d.Type, d.Send = typ, l.sendNote(typ)
		return d
	}
	d, x := note(draft), note(drop)
	d.Kind, d.ServerID, d.Family, x.Kind = optimist.Create, true, rename, optimist.Delete
	if d.Policy.Debounce = (optimist.Debounce{Wait: 500 * time.Millisecond}); w.script.Keep {
		d.Policy.Failure, x.Policy.Failure = optimist.Park, optimist.Park
	}
	l.draft, l.drop = optimist.Register(l.notes, d), optimist.Register(l.notes, x)
	l.mark, l.rename = optimist.Register(l.notes, note(mark)), optimist.Register(l.notes, note(rename))
	if w.script.Fold {
		optimist.Merge(l.draft, l.rename, func(first, second *Args) optimist.MergeRule {
			first.Text = second.Text
			first.Poison, first.Broken = first.Poison || second.Poison, first.Broken || second.Broken
			return optimist.TakeFirst
		})
	}
}

// sendNote is the Send function of a type of operations on notes.
func (l *life) sendNote(typ string) func(context.Context, optimist.Call[Args]) (optimist.Truth[Post], error) {
	w, c := l.c.w, l.c
	return func(ctx context.Context, call optimist.Call[Args]) (optimist.Truth[Post], error) {
		first := l.onWire(typ, call)
		if first == "" {
			return optimist.Truth[Post]{}, optimist.Fail(optimist.Permanent, errGone)
		}
		call.Entity = first
		t, err := l.send(alike[typ])(ctx, call)
		w.mu.Lock()
		defer w.mu.Unlock()
		if typ != draft || err != nil && t.Presence == optimist.NotLoaded {
			return t, err
		}
		c.idsDue++
		if r := w.draw("id", c.number, c.idsDue); !w.calm && r.Float64() < w.script.Faults.NoID {
			w.trace("%s is not told the id of %s", c, first)
			w.stats.NoIDs++
			c.withheld[first] = true
			return t, err
		}
		t.ID = w.ids.server[first]
		c.told[first] = true
		return t, err
	}
}

// onWire is the first id of the note that a call is about; empty: no server knows the id in it.
func (l *life) onWire(typ string, call optimist.Call[Args]) string {
	w := l.c.w
	w.mu.Lock()
	defer w.mu.Unlock()
	first := w.ids.first[call.Entity]
	switch {
	case typ == draft && (call.Entity == "" || first == call.Args.Key):
		return call.Args.Key
	case first == "":
		w.fail("%s sends %s (%s) of %q, which no server knows", l.c, w.name(call.ID), typ, call.Entity)
	}
	return first
}

// sendCite is the Send function of a type that may refer to a note.
func (l *life) sendCite(send func(context.Context, optimist.Call[Args]) (optimist.Truth[Post], error)) func(context.Context, optimist.Call[Args]) (optimist.Truth[Post], error) {
	return func(ctx context.Context, call optimist.Call[Args]) (optimist.Truth[Post], error) {
		if note := call.Args.Note; note != "" {
			w := l.c.w
			w.mu.Lock()
			if len(call.Refs) != 1 || w.ids.first[call.Refs[0]] != w.canon(note) {
				w.fail("%s sends %s, which refers to %s, as %q", l.c, w.name(call.ID), note, call.Refs)
			}
			w.mu.Unlock()
		}
		return send(ctx, call)
	}
}

// refsOf are the notes to which arguments refer.
func refsOf(a Args) []string {
	if a.Note == "" {
		return nil
	}
	return []string{"note:" + a.Note}
}

// view shows the entity of an operation under the name that the user tapped.
func (l *life) view(o *op) optimist.View[Post] {
	if isNote(o.entity) {
		return l.notes.View(o.raw)
	}
	return l.posts.View(o.entity)
}

// truth is the truth that is held of an entity; of a note, under the server's id.
func (l *life) truth(id string) optimist.HeldTruth[Post] {
	switch server := l.c.w.ids.server[id]; {
	case !isNote(id):
		return l.posts.Truth(id)
	case server != "":
		return l.notes.Truth(server)
	}
	return optimist.HeldTruth[Post]{}
}

// tapsNote is an act of a user about a note.
func (l *life) tapsNote(s Step) {
	c, w, ctx := l.c, l.c.w, context.Background()
	token := func(kind string) string {
		c.made++
		return fmt.Sprintf("%s%d%s", kind, c.made, c)
	}
	a := Args{Poison: s.Poison && s.N%3 > 0, Broken: s.Poison && s.N%3 == 0}
	if s.Do == draft {
		first := token("d")
		a.Key, a.Text = first, token("n")
		w.mu.Lock()
		w.ids.drafted = append(w.ids.drafted, first)
		w.server.posts[first] = &record{version: 1, last: stamp{at: optimist.TimestampOf(w.began.Add(-time.Hour))}, stamps: make(map[string]stamp), states: []state{{version: 1}}, era: w.server.era}
		w.server.ever[first+" title "] = true
		w.mu.Unlock()
		h, err := l.draft.Execute(ctx, first, a)
		l.took(h, err)
		return
	}
	raw, view := l.pickNote(s.N)
	if raw == "" {
		return
	}
	var h *optimist.Handle
	var err error
	switch s.Do {
	case mark:
		if a.Key = "like " + c.String(); s.N%4 == 0 {
			a.Key = "like shared"
		}
		a.On = !view.Value.Flags[a.Key]
		h, err = l.mark.Execute(ctx, raw, a)
	case rename:
		a.Text = token("t")
		h, err = l.rename.Execute(ctx, raw, a)
	case drop:
		h, err = l.drop.Execute(ctx, raw, a)
	case cite:
		post := w.entities[s.Entity%w.script.Entities]
		a.Key, a.Note = token("v"), raw
		h, err = l.visit.Execute(ctx, post, a)
	}
	l.took(h, err)
}

// pickNote chooses a note that the user sees, under any of its names; now and then one that is not there.
func (l *life) pickNote(n int) (raw string, view optimist.View[Post]) {
	w := l.c.w
	w.mu.Lock()
	var all []string
	for _, first := range w.ids.drafted {
		if strings.HasSuffix(first, l.c.String()) {
			all = append(all, first)
		}
		if id := w.ids.server[first]; id != "" {
			all = append(all, id)
		}
	}
	w.mu.Unlock()
	for i := range all {
		raw = all[(n+i)%len(all)]
		view = l.notes.View(raw)
		if view.Presence == optimist.Present || view.Presence == optimist.Absent && n%7 == 0 {
			return raw, view
		}
	}
	return "", view
}

// receives takes truth that came by push or refetch.
func (l *life) receives(t truth) error {
	if !isNote(t.entity) {
		return l.posts.Receive(t.entity, l.c.truth(t))
	}
	w, x := l.c.w, &l.watch
	w.mu.Lock()
	l.look()
	first, told := t.entity, l.c.truth(t)
	name := w.ids.server[first]
	unseen := l.notes.View(name).Presence == optimist.NotLoaded
	names := false
	if o := x.creationOf(first); o != nil {
		switch {
		case contains(told.Contains, o.id):
			l.c.told[first], names = true, true
		case (t.version+uint64(l.c.number))%3 == 0: // the server remembers who made it
			told.ID, name = name, first
			l.c.told[first] = true
		}
	}
	firsts, seconds := x.noteChanges[first], x.noteChanges[w.ids.server[first]]
	w.mu.Unlock()
	err := l.notes.Receive(name, told)
	w.mu.Lock()
	defer w.mu.Unlock()
	if l.look(); names && unseen && !l.dead {
		w.stats.NamedByPush++
		if firsts, seconds = x.noteChanges[first]-firsts, x.noteChanges[w.ids.server[first]]-seconds; firsts > 1 || seconds > 0 {
			w.fail("%s: a push that names the creation of %s changes it %d times, and %s %d times", l.c, first, firsts, w.ids.server[first], seconds)
		}
	}
	return err
}

// creationOf is the unsettled operation that makes a note, or nil.
func (x *watch) creationOf(first string) *op {
	for _, o := range x.live {
		if o.typ == write && o.raw == first && isNote(o.entity) {
			return o
		}
	}
	return nil
}

// seesNote notes under which names a client sees an entity.
func (x *watch) seesNote(raw string, changed bool) {
	c := x.l.c
	first := c.w.canon(raw)
	if !isNote(first) {
		return
	}
	if changed {
		x.noteChanges[raw]++
	}
	if x.raws[first] == nil {
		x.raws[first] = make(map[string]bool)
	}
	if x.raws[first][raw] = true; len(x.raws[first]) > 1 && !c.mixed[first] {
		c.mixed[first] = true
		c.w.stats.Apart++
	}
}

// settledNote checks the end of an operation that made a note.
func (x *watch) settledNote(o *op, ev optimist.Event) {
	if o.typ != write || !isNote(o.entity) {
		return
	}
	c := x.l.c
	switch {
	case ev.Outcome == optimist.Confirmed && ev.Calls > 0 && !c.told[o.entity]:
		c.w.fail("%s: %s was confirmed, and nobody told the id of %s", c, c.w.name(o.id), o.entity)
	case errors.Is(ev.Err, optimist.ErrNoServerID) && !c.withheld[o.entity]:
		c.w.fail("%s: %s was told an id, and ended with: %v", c, c.w.name(o.id), ev.Err)
	}
}

// refers has an operation depend on the creation of the note to which it refers, if it has no id yet.
func (x *watch) refers(o *op) {
	if o.args.Note != "" {
		if maker := x.creationOf(o.args.Note); maker != nil && !x.l.c.told[o.args.Note] {
			o.after = append(o.after, maker.id)
		}
	}
}

// allNotes judges the notes of a client, when all is quiet.
func (w *World) allNotes(c *Client) {
	l := c.life
	for _, first := range w.ids.drafted {
		mine, id := strings.HasSuffix(first, c.String()), w.ids.server[first]
		if n := l.m.PendingCount("note:" + first); n != 0 {
			w.fail("%s has %d unsettled operations of %s", c, n, first)
		}
		own := l.notes.View(first)
		if id == "" {
			if own.Presence == optimist.Present {
				w.fail("%s shows %s, which the server never made: %v", c, first, own)
			}
			continue
		}
		v, has := l.notes.View(id), w.server.posts[first]
		if v.Presence == optimist.NotLoaded || (v.Presence == optimist.Present) != has.there || !equalPosts(v.Value, has.value) {
			w.fail("%s shows of %s (%s): %v, the server has: %v", c, id, first, v, has.truth(first))
		}
		same := own.Presence == v.Presence && own.Version == v.Version && equalPosts(own.Value, v.Value)
		switch {
		case mine && c.knowsName(first) && !same:
			w.fail("%s shows of %s: %v, and of %s, which is the same: %v", c, first, own, id, v)
		case own.Presence == optimist.Present && (!same || !c.told[first]):
			w.fail("%s shows %s beside %s, which is the same: %v, %v", c, first, id, own, v)
		case l.m.PendingCount("note:"+id) != 0:
			w.fail("%s has unsettled operations of %s", c, id)
		}
		if !c.mixed[first] {
			w.callbacks(l, first)
		}
	}
}

// knowsName reports whether a client must know both names of a note that it made.
func (c *Client) knowsName(first string) bool {
	if c.forgot || c.refused {
		return false
	}
	for _, o := range c.ops {
		if o.typ == write && o.entity == first && o.outcome == optimist.Confirmed && (o.over || o.flushed) {
			return true
		}
	}
	return false
}

// isNameRecord reports whether a record of a journal is a pair of names, which may stay.
func isNameRecord(r journal.Record) bool { return r.Seq != 0 && len(r.Data) > 0 && r.Data[0] == 3 }

// leftover are the records of a journal that should not be there when nothing is pending.
func leftover(records []journal.Record) []journal.Record {
	return slices.DeleteFunc(slices.Clone(records), isNameRecord)
}
