package sim

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/memjournal"
)

// do carries out one step of the script.
func (w *World) do(s Step) {
	c := w.clients[s.Client%len(w.clients)]
	w.mu.Lock()
	l := c.life
	w.trace("-- %v", s)
	w.mu.Unlock()
	entity := w.entities[s.Entity%len(w.entities)]
	if s.Do == write || s.Do == erase {
		entity = w.entities[w.script.Entities+s.Entity%w.script.Posts]
	}
	if s.Do == "restore server" {
		w.mu.Lock()
		w.server.restore(s.N)
		w.mu.Unlock()
		return
	}
	if s.Do == "somebody else" {
		w.somebodyElse(entity, s.N)
		return
	}
	if l == nil || l.dead {
		return
	}
	for long := time.Duration(s.N) * 30 * time.Millisecond; ; {
		switch s.Do {
		case "cut":
			w.cut(c, long)
		case "look": // at a list, perhaps
			w.mu.Lock()
			w.fetch(c, entity)
			w.mu.Unlock()
		case "offline":
			l.m.SetOnline(false)
			time.AfterFunc(long, func() { l.m.SetOnline(true) })
		case "log out":
			w.mu.Lock()
			c.loggedOutUntil = w.now() + long/3
			w.mu.Unlock()
		case "set clock":
			w.mu.Lock()
			by := time.Duration(s.N-500) * 600 * time.Millisecond // up to five minutes
			c.wall.set(optimist.TimestampOf(time.Now()), max(by, -mostBack))
			w.stats.Jumps++
			w.mu.Unlock()
		case "why":
			l.asksWhy(s.N)
		case draft, mark, rename, drop, cite:
			if !w.script.Eras {
				l.tapsNote(s)
			}
		case "undo":
			l.undoes(s.N)
		case "page":
			w.mu.Lock()
			w.fetchPage(c, s.N%10 == 0)
			w.mu.Unlock()
		case "tell era":
			l.tellEra(s.N)
		case "kill":
			w.mu.Lock()
			c.disk.Crash()
			l.die("is killed")
			w.mu.Unlock()
		case "crash before write", "crash after write", "refuse write":
			w.mu.Lock()
			l.crashIn, l.refusals = 1+s.N%7, s.N/7
			l.crash = map[string]memjournal.Fault{
				"crash before write": memjournal.CrashBefore, "crash after write": memjournal.CrashAfter, "refuse write": memjournal.Refuse,
			}[s.Do]
			w.mu.Unlock()
		default:
			l.tap(s, entity)
		}
		return
	}
}

func (w *World) cut(c *Client, long time.Duration) {
	w.mu.Lock()
	c.cut = true
	c.cuts++
	cut := c.cuts
	w.stats.Cuts++
	w.mu.Unlock()
	time.AfterFunc(long, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		if c.cuts == cut {
			c.cut = false
			w.refetch(c)
		}
	})
}

// somebodyElse writes a title past all clients, or makes or removes a post.
func (w *World) somebodyElse(entity string, n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.made++
	r := request{
		id: fmt.Sprintf("web%d", w.made), typ: title, entity: entity, args: Args{Text: fmt.Sprintf("web%d", w.made)},
		at: optimist.TimestampOf(time.Now()), by: "web", base: w.server.posts[entity].version, client: w.web,
	}
	if e := w.server.posts[entity]; !e.there {
		r.typ = write
	} else if !w.stays(entity) && n%4 == 0 {
		r.typ, r.args = erase, Args{}
	}
	w.sent[r.id] = sent{w.now(), r}
	w.heard(r, w.server.handle(r))
}

// tap is an act of a user. Refusals with a reason are right.
func (l *life) tap(s Step, entity string) {
	c, ctx := l.c, context.Background()
	view := l.posts.View(entity)
	seen := func(id string) bool { return c.w.stays(id) || l.posts.View(id).Presence == optimist.Present }
	switch { // people change visible entities, and write new ones
	case s.Do == write && seen(entity), s.Do == erase && !seen(entity):
		return
	case s.Do == write, s.Do == "decide", s.Do == "cancel", s.Do == "roll back all", s.Do == "clear all", s.Do == "flush":
	case !seen(entity):
		return
	}
	token := func(kind string) string {
		c.made++
		return fmt.Sprintf("%s%d%s", kind, c.made, c)
	}
	a := Args{Poison: s.Poison && s.N%3 > 0, Broken: s.Poison && s.N%3 == 0}
	var h *optimist.Handle
	var after []*optimist.Handle
	var err error
	switch s.Do {
	case like:
		if a.Key = "like " + c.String(); s.N%4 == 0 {
			a.Key = "like shared"
		}
		a.On = !view.Value.Flags[a.Key]
		h, err = l.like.Execute(ctx, entity, a)
	case star:
		h, err = l.star.Toggle(ctx, entity, c.String())
	case title:
		a.Text = token("t")
		h, err = l.title.Execute(ctx, entity, a)
	case visit, "visit after":
		a.Key = token("v")
		after = l.after(s)
		h, err = l.visit.Execute(ctx, entity, a, after...)
	case pair, "pair after":
		a.Key, a.Text = token("p"), entity
		if a.Other = c.w.entities[s.N%len(c.w.entities)]; a.Other == entity {
			a.Other = c.w.entities[(s.Entity+1)%len(c.w.entities)]
		}
		if !seen(a.Other) {
			return
		}
		after = l.after(s)
		h, err = l.pair.Execute(ctx, a, after...)
	case create:
		a.Key, a.Text = token("c"), token("x")
		h, err = l.create.Execute(ctx, entity, a)
	case edit, remove:
		var own []string
		for _, k := range sortedKeys(view.Value.Comments) {
			if strings.HasSuffix(k, c.String()) {
				own = append(own, k)
			}
		}
		if len(own) == 0 {
			return
		}
		a.Key = own[s.N%len(own)]
		if s.Do == remove {
			h, err = l.remove.Execute(ctx, entity, a)
		} else {
			a.Text = token("x")
			h, err = l.edit.Execute(ctx, entity, a)
		}
	case write:
		a.Text = token("n")
		h, err = l.write.Execute(ctx, entity, a)
	case erase:
		h, err = l.erase.Execute(ctx, entity, a)
	case "batch":
		other := c.w.entities[s.N%c.w.script.Entities]
		var all []*optimist.Handle
		all, err = l.m.Batch(ctx,
			l.visit.Plan(entity, Args{Key: token("v")}), l.title.Plan(other, Args{Text: token("t"), Poison: s.Poison}),
			l.visit.Plan(entity, Args{Key: token("v")}))
		for _, h := range all {
			l.took(h, nil)
		}
	case "cancel":
		if n := len(l.handles); n > 0 {
			err = l.handles[n-1-s.N%min(n, 4)].Cancel()
		}
	case "roll back all":
		err = l.m.RollbackAll("post:" + entity)
	case "clear all":
		c.w.mu.Lock()
		l.look()
		l.cleared, c.forgot = true, true
		c.w.mu.Unlock()
		err = l.m.ClearAll()
	case "decide":
		l.decide(s.N)
	case "flush":
		l.m.Flush(never)
	default:
		c.w.failed("no step %q", s.Do)
	}
	l.took(h, err, after...)
	l.found(h, view)
}

// after are the operations on which the next one depends. Stars are not stored, and
// stored operations cannot depend on them.
func (l *life) after(s Step) []*optimist.Handle {
	stored := slices.DeleteFunc(slices.Clone(l.handles), func(h *optimist.Handle) bool { return h.Type() == star })
	n := len(stored)
	if !strings.HasSuffix(s.Do, "after") || n == 0 {
		return nil
	}
	after := []*optimist.Handle{stored[n-1-s.N%min(n, 3)]}
	if s.N%5 == 0 {
		after = append(after, stored[n-1])
	}
	return after
}

// took follows an operation, or judges why there is none.
func (l *life) took(h *optimist.Handle, err error, after ...*optimist.Handle) {
	w := l.c.w
	w.mu.Lock()
	defer w.mu.Unlock()
	l.look()
	if err != nil {
		w.trace("%s refuses: %v", l.c, err)
		for _, known := range []error{
			optimist.ErrDependency, optimist.ErrSettled, optimist.ErrNotLoaded, optimist.ErrGuard, context.Canceled, optimist.ErrNotParked,
			optimist.ErrNotOnDisk, optimist.ErrAbsent, optimist.ErrUnknownOutcome,
			optimist.ErrChangedSince,
		} {
			if errors.Is(err, known) {
				return
			}
		}
		if !l.dead {
			w.fail("%s refuses for a wrong reason: %v", l.c, err)
		}
		return
	}
	if h == nil || l.dead {
		return
	}
	l.handles = append(l.handles, h)
	id := h.ID()
	if o := l.c.ops[id]; o != nil && o.stamp == 0 {
		o.stamp = h.Timestamp()
		for _, e := range o.entities() {
			if read := l.read[e]; read.era >= l.era && o.stamp <= read.at && !l.c.mixed[e] {
				w.fail("%s: %s of %s is of %v, and changes what is of %v", l.c, w.name(id), e, o.stamp, read.at)
			}
		}
		for _, d := range after {
			o.after = append(o.after, d.ID())
		}
	}
	if h.Type() == star {
		return
	}
	w.running.Add(1)
	go func() {
		defer w.running.Done()
		if h.Await(context.Background(), optimist.Journaled) == nil {
			w.mu.Lock()
			if o := l.c.ops[id]; o != nil && !l.dead {
				o.durable = true
			}
			w.mu.Unlock()
		}
	}()
}

// decide is a person's decision about a parked operation.
func (l *life) decide(n int) {
	for i, h := range l.handles {
		if h.State() != optimist.Parked {
			continue
		}
		var err error
		switch (n + i) % 3 {
		case 0:
			if err = h.Retry(); err == nil {
				l.decided(h.ID())
			}
		case 1:
			err = h.Discard()
		case 2:
			if edit := map[string]*optimist.Action[Post, Args]{create: l.create, write: l.write, draft: l.draft}[h.Type()]; edit != nil {
				l.c.w.mu.Lock()
				a := l.c.ops[h.ID()].args
				l.c.w.mu.Unlock()
				l.c.made++
				a.Poison, a.Broken, a.Text = false, false, fmt.Sprintf("x%d%s", l.c.made, l.c)
				var h2 *optimist.Handle
				if h2, err = edit.Edit(h, a); err == nil {
					l.took(h2, nil)
				}
			}
		}
		l.took(nil, err)
	}
}
