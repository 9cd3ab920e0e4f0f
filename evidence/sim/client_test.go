package sim

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/journal"
	"github.com/optimist-go/optimist/memjournal"
)

// Client is a device: a disk that survives its processes, and one process at a time.
// The World's lock guards it.
type Client struct {
	w      *World
	number int
	wall   *wall
	disk   memjournal.Disk
	life   *life // nil or dead between two lives
	lives  int

	cut            bool // from the network
	cuts           int
	loggedOutUntil time.Duration
	calls          map[string]int // by entity
	pushes         int
	fetches        int
	rereads        map[string]int    // by entity
	made           int               // names for created entities
	comments       map[string]string // entity of each comment that it made

	order   int            // of the last operation accepted
	ops     map[string]*op // every operation of every life, by id
	refused bool           // a process died before its disk took refused records
	undos   []undo
	epochs
	// Of notes, by first id.
	told     map[string]bool // its id
	withheld map[string]bool // was its id, once
	mixed    map[string]bool // it was seen under two names
	forgot   bool            // names that nothing used
	idsDue   int
}

func (c *Client) String() string { return fmt.Sprintf("c%d", c.number) }

// life is one process of a client. Acts after its death never happened.
type life struct {
	c       *Client
	m       *optimist.Manager
	dead    bool
	cleared bool // callbacks were dropped

	posts, notes         *optimist.Store[Post]
	draft, mark          *optimist.Action[Post, Args]
	rename, drop         *optimist.Action[Post, Args]
	like, title, visit   *optimist.Action[Post, Args]
	create, edit, remove *optimist.Action[Post, Args]
	write, erase         *optimist.Action[Post, Args]
	pair                 *optimist.GroupAction[Args]
	star                 *optimist.Switch[Post]
	handles              []*optimist.Handle
	inherited            int                         // of them, from the life before
	undone               map[string]*optimist.Handle // by which operation, by id
	sub                  *optimist.Subscription
	crashIn              int // writes from now; 0: none
	refusals             int // how many are refused then, as drawn
	crash                memjournal.Fault
	refusing             int  // writes that the disk will refuse from now on
	owes                 bool // the disk lacks refused records
	watch                watch
	read                 map[string]reading // the latest truth with a version that it was told, by entity
	listed               map[string]Post    // the last values of lists, by entity
	wrote                map[string]bool    // entity and slot of sent operations
	held                 map[string]version
	owed                 map[string]owed   // truth that the library has to read, by entity
	reread               map[string]reread // the last reads of each
	era                  uint64            // the greatest that it was told, or one of before
	eraSince             time.Duration     // when it was told
}

// reading is truth with a version.
type reading struct {
	era     uint64
	version uint64
	at      optimist.Timestamp
	value   Post
}

// reads records arriving truth. Stale truth changes nothing.
func (l *life) reads(t truth) {
	if t.era < l.c.met {
		return
	}
	if held, ok := l.read[t.entity]; !ok || t.era > held.era || t.era == held.era && t.version > held.version {
		l.read[t.entity] = reading{t.era, t.version, l.c.wall.hear(t.stamp.at), t.value}
		if t.there {
			l.shows(t.entity)
		}
	}
}

// wasTold reports whether any truth of an entity has come.
func (l *life) wasTold(entity string) bool {
	_, read := l.read[entity]
	_, listed := l.listed[entity]
	return read || listed
}

// wasShown reports whether truth that came shows a flag as an operation wants it.
func (l *life) wasShown(o *op) bool {
	listed, was := l.listed[o.entity]
	return l.wasTold(o.entity) && (l.read[o.entity].value.Flags[o.args.Key] == o.args.On || was && listed.Flags[o.args.Key] == o.args.On)
}

// disk lets a life's journal pass for one that survives, and crashes it.
type disk struct {
	*memjournal.Journal
	l *life
}

func (j disk) Durability() journal.Durability { return journal.DurablePower }

func (j disk) Write(records []journal.Record) error {
	l := j.l
	w := l.c.w
	w.mu.Lock()
	l.look()
	w.stats.Writes++
	if l.crashIn > 0 && !l.dead {
		if l.crashIn--; l.crashIn == 0 {
			if l.crash == memjournal.CrashBefore || l.crash == memjournal.CrashAfter {
				w.stats.CrashesAtWrite++
				l.die(fmt.Sprintf("crashes (%d) at a write of %d records", l.crash, len(records)))
				l.c.disk.Inject(1, l.crash)
			} else {
				l.refusing = 1 + l.refusals%5
			}
		}
	}
	if l.refusing > 0 && !l.dead {
		l.refusing--
		l.owes = true
		l.c.disk.Inject(1, memjournal.Refuse)
	}
	w.mu.Unlock()
	err := j.Journal.Write(records)
	if err == nil {
		w.mu.Lock()
		l.owes = false // every later write contains the refused records
		w.mu.Unlock()
	}
	return err
}

// die ends the process at this instant; a new one starts a while later.
func (l *life) die(how string) {
	w := l.c.w
	l.look() // earlier reports are true
	l.forgets()
	l.dead = true
	l.c.refused = l.c.refused || l.owes
	w.stats.Crashes++
	w.trace("%s %s", l.c, how)
	down := w.latency(w.draw("down", l.c.number, l.c.lives))
	w.running.Add(2)
	go func() {
		defer w.running.Done()
		ended, cancel := context.WithCancel(context.Background())
		cancel()
		l.m.Close(ended)
	}()
	time.AfterFunc(down+2*time.Second, func() {
		defer w.running.Done()
		l.c.start()
	})
}

// start begins a life.
func (c *Client) start() {
	w := c.w
	j, err := c.disk.Open()
	if err != nil {
		w.failed("%s cannot open its journal: %v", c, err)
		return
	}
	l := &life{
		c: c, read: make(map[string]reading), listed: make(map[string]Post), wrote: make(map[string]bool), undone: make(map[string]*optimist.Handle),
		held: make(map[string]version), owed: make(map[string]owed), reread: make(map[string]reread), era: c.kept,
	}
	m, err := optimist.New(optimist.Options{
		ClientID: c.String(), Journal: disk{j, l}, MaxInFlight: 2, ProbeAfter: 4,
		Policy: optimist.Policy{Retry: optimist.Retry{Jitter: -1, Base: 700 * time.Millisecond, Timeout: 5 * time.Second}},
	})
	if err != nil {
		w.failed("%s cannot start: %v", c, err)
		return
	}
	l.m = m
	l.register()
	if err := m.Err(); err != nil {
		w.failed("%s: %v", c, err)
		return
	}
	sub := m.Subscribe(optimist.SubscribeOptions{Args: true, Buffer: 1 << 16})
	if w.script.Eras && c.lives%3 != 1 {
		w.mu.Lock()
		era := w.server.era
		w.mu.Unlock()
		if err := m.NewEra(era); err != nil {
			w.failed("%s cannot begin era %d: %v", c, era, err)
		}
	}
	restored, err := m.Restore()
	if err != nil {
		w.failed("%s cannot restore: %v", c, err)
		return
	}
	w.mu.Lock()
	c.lives++
	l.watch.init(l)
	l.handles, l.sub, l.inherited = restored.Operations, sub, len(restored.Operations)
	c.life = l
	w.trace("%s starts life %d with %d operations", c, c.lives, len(restored.Operations))
	l.checkRestored(restored)
	l.look()
	w.refetch(c)
	w.mu.Unlock()
}

// register makes the types known.
func (l *life) register() {
	m := l.m
	opts := optimist.StoreOptions[Post]{Equal: equalPosts}
	if l.c.w.script.Reads {
		opts.Read = l.readAnew
	}
	l.posts = optimist.NewStore(m, "post", opts)
	def := func(typ string) optimist.Mutation[Post, Args] {
		d := optimist.Mutation[Post, Args]{
			Type:      typ,
			Stored:    stored(),
			Apply:     func(p Post, a Args) (Post, error) { return effect(typ, p, a), nil },
			Send:      l.send(typ),
			OnSuccess: func(_ Args, r optimist.Result) { l.called(r) },
			OnError:   func(_ Args, r optimist.Result) { l.called(r) },
		}
		if contains(undoable, typ) {
			d.Undo = l.inverse(typ)
		}
		if slotOf(typ, Args{Key: "x"}) != "" {
			d.Slot = func(a Args) string { return slotOf(typ, a) }
		}
		return d
	}
	l.like = optimist.Register(l.posts, def(like))
	t, v := def(title), def(visit)
	for _, d := range []*optimist.Mutation[Post, Args]{&t, &v} { // the order in which these arrive does not matter
		d.Policy.Cancel = optimist.EndCalls
	}
	v.Refs, v.Send = refsOf, l.sendCite(v.Send)
	l.title, l.visit = optimist.Register(l.posts, t), optimist.Register(l.posts, v)
	l.registerNotes(def)
	c, e, d := def(create), def(edit), def(remove)
	for _, d := range []*optimist.Mutation[Post, Args]{&c, &e, &d} {
		d.Family = "comment"
		d.Policy.Debounce = optimist.Debounce{Wait: 500 * time.Millisecond}
	}
	c.Policy.Failure = optimist.Park
	e.Guard = func(p Post, a Args) error {
		if _, ok := p.Comments[a.Key]; !ok {
			return errMissing
		}
		return nil
	}
	l.create, l.edit, l.remove = optimist.Register(l.posts, c), optimist.Register(l.posts, e), optimist.Register(l.posts, d)
	optimist.Merge(l.create, l.edit, func(first, second *Args) optimist.MergeRule {
		first.Text = second.Text
		first.Poison, first.Broken = first.Poison || second.Poison, first.Broken || second.Broken
		return optimist.TakeFirst
	})
	optimist.Merge(l.create, l.remove, func(first, second *Args) optimist.MergeRule { return optimist.Annihilate })
	optimist.Merge(l.edit, l.edit, func(first, second *Args) optimist.MergeRule { return optimist.TakeSecond })
	optimist.Merge(l.edit, l.remove, func(first, second *Args) optimist.MergeRule { return optimist.TakeSecond })
	p, g := def(write), def(erase)
	p.Kind, p.Family, g.Kind = optimist.Create, title, optimist.Delete
	if p.Policy.Debounce = (optimist.Debounce{Wait: 500 * time.Millisecond}); l.c.w.script.Keep {
		p.Policy.Failure, g.Policy.Failure = optimist.Park, optimist.Park
	}
	l.write, l.erase = optimist.Register(l.posts, p), optimist.Register(l.posts, g)
	if l.c.w.script.Fold {
		optimist.Merge(l.write, l.title, func(first, second *Args) optimist.MergeRule {
			first.Text = second.Text
			first.Poison, first.Broken = first.Poison || second.Poison, first.Broken || second.Broken
			return optimist.TakeFirst
		})
	}
	l.star = optimist.RegisterToggle(l.posts, optimist.Toggle[Post]{
		Type: star,
		Get:  func(p Post, user string) bool { return p.Flags["star "+user] },
		Set: func(p Post, user string, on bool) Post {
			return effect(star, p, Args{Key: "star " + user, On: on})
		},
		Send: func(ctx context.Context, c optimist.Call[optimist.Switched]) (optimist.Truth[Post], error) {
			return l.send(star)(ctx, optimist.Call[Args]{
				ID: c.ID, Entity: c.Entity, At: c.At, ClientID: c.ClientID, BaseVersion: c.BaseVersion, Args: starArgs(c.Args),
			})
		},
		OnSuccess: func(_ optimist.Switched, r optimist.Result) { l.called(r) },
		OnError:   func(_ optimist.Switched, r optimist.Result) { l.called(r) },
	})
	l.pair = optimist.RegisterGroup(m, optimist.Group[Args]{
		Type: pair, Stored: stored(),
		Parts: func(a Args) []optimist.Part {
			add := func(p Post) (Post, error) { return effect(pair, p, a), nil }
			return []optimist.Part{l.posts.Part(a.Text, add), l.posts.Part(a.Other, add)}
		},
		Send: func(ctx context.Context, c optimist.Call[Args]) ([]optimist.EntityTruth, error) {
			a, err := l.exchange(ctx, request{id: c.ID, typ: pair, entity: c.Args.Text, args: c.Args, at: l.c.wall.show(c.At), by: c.ClientID})
			if err != nil {
				return nil, err
			}
			var out []optimist.EntityTruth
			for i, t := range a.truths {
				truth := l.c.truth(t)
				if a.lags {
					truth = l.early(a, i)
				}
				out = append(out, l.posts.EntityTruth(t.entity, truth))
			}
			return out, nil
		},
		OnSuccess: func(_ Args, r optimist.Result) { l.called(r) },
		OnError:   func(_ Args, r optimist.Result) { l.called(r) },
	})
}

func starArgs(s optimist.Switched) Args { return Args{Key: "star " + s.User, On: s.On} }

// send is the Send function of a type.
func (l *life) send(typ string) func(context.Context, optimist.Call[Args]) (optimist.Truth[Post], error) {
	return func(ctx context.Context, c optimist.Call[Args]) (optimist.Truth[Post], error) {
		a, err := l.exchange(ctx, request{
			id: c.ID, typ: typ, entity: c.Entity, args: c.Args, at: l.c.wall.show(c.At), by: c.ClientID, base: c.BaseVersion,
		})
		if len(a.truths) == 0 {
			return optimist.Truth[Post]{}, err
		}
		t := a.truths[0]
		switch {
		case err == nil && a.lags:
			return l.early(a, 0), nil
		case err == nil && a.silent:
			return optimist.Truth[Post]{}, nil
		case err == nil && a.versionOnly:
			accepted := optimist.AcceptedAt[Post](t.version)
			accepted.Era = t.era
			return accepted, nil
		}
		return l.c.truth(t), err
	}
}

// early returns a lagging replica's value of the nth entity of a write.
func (l *life) early(a answer, n int) optimist.Truth[Post] {
	t := l.c.truth(a.before[n])
	t.Wrote = a.truths[n].version
	return t
}

// readAnew reads one entity that the manager is unsure of.
func (l *life) readAnew(ctx context.Context, id string) (optimist.Truth[Post], error) {
	w := l.c.w
	w.mu.Lock()
	c := l.c
	if isStranger(id) {
		defer w.mu.Unlock()
		return c.truth(w.strange(id)), nil
	}
	c.rereads[id]++
	began := w.now()
	l.reread[id] = reread{began: began}
	r := w.draw("reread "+id, c.number, c.rereads[id])
	there, back := w.latency(r), w.latency(r)
	w.stats.Reads++
	w.mu.Unlock()
	if err := pause(ctx, there); err != nil {
		return optimist.Truth[Post]{}, err
	}
	w.mu.Lock()
	t, cut := w.server.posts[id].truth(id), c.cut || l.dead
	w.mu.Unlock()
	if err := pause(ctx, back); err != nil || cut {
		return optimist.Truth[Post]{}, errors.Join(errDown, err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if l.dead {
		return optimist.Truth[Post]{}, errDead
	}
	l.reread[id] = reread{began, w.now(), version{t.era, t.version}}
	w.reads = append(w.reads, read{id, began, w.now(), t})
	l.reads(t)
	return c.truth(t), nil
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// exchange is one attempt. Nothing reaches a dead process.
func (l *life) exchange(ctx context.Context, r request) (answer, error) {
	w := l.c.w
	a, err := w.call(ctx, l, r)
	w.mu.Lock()
	defer w.mu.Unlock()
	l.look()
	l.hears(r, a, err)
	switch {
	case l.dead:
		return answer{}, optimist.Fail(optimist.Unknown, errDead)
	case err != nil:
		return answer{}, err
	}
	w.trace("%s hears of %s: %s", l.c, w.name(r.id), a)
	w.heard(r, a)
	switch {
	case a.lags:
		w.stats.Early++
		for _, t := range a.before {
			l.reads(t)
		}
	case !a.silent && !a.versionOnly || a.err != nil || r.typ == pair:
		for _, t := range a.truths {
			l.reads(t)
		}
	}
	if errors.Is(a.err, errSession) {
		w.comeBack(l)
	}
	return a, a.err
}

// comeBack logs in again when the server will have it.
func (w *World) comeBack(l *life) {
	wait := max(l.c.loggedOutUntil-w.now(), 0) + time.Millisecond
	time.AfterFunc(wait, func() { l.m.RetryNow() })
}
