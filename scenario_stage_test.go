package optimist_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing/synctest"
	"time"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/memjournal"
)

// article is what the scenarios are about.
type article struct {
	Likes, Saves string // users, in order of the alphabet
	Text         string
	Comments     string // id:text
	Public       bool
}

// gift is what every operation of the scenarios is called with.
type gift struct {
	User, ID, Text string
	On             bool
	Tags           []string // of a comment, to show that arguments are captured
	To             string   // of a group: the other article
}

func member(list, name string, on bool) string {
	all := strings.Fields(list)
	all = slices.DeleteFunc(all, func(n string) bool { return n == name })
	if on {
		all = append(all, name)
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}

// stage is a manager, a scripted server and what people want to see of them.
type stage struct {
	ctx   context.Context
	opts  optimist.Options
	m     *optimist.Manager
	disk  *memjournal.Disk
	posts *optimist.Store[article]

	storeOptions optimist.StoreOptions[article]
	actions      map[string]*optimist.Action[article, gift]
	group        *optimist.GroupAction[gift]
	saveBoth     *optimist.GroupAction[gift]
	sub          *optimist.Subscription
	start        time.Time
	server       *backend
	handles      []*optimist.Handle
	mu           sync.Mutex        // guards names and what the server notes
	names        map[string]string // handle names by operation id
	tags         []string          // of the last comment, as its caller holds them
	restored     optimist.Restored
	star         bool     // state that lives outside of the manager
	settled      []string // what callbacks said
}

func newStage() *stage {
	w := &stage{ctx: context.Background(), start: time.Now(), names: make(map[string]string)}
	w.opts = optimist.Options{ClientID: "me", Policy: optimist.Policy{Retry: optimist.Retry{Jitter: -1}}}
	w.server = &backend{stage: w, kept: newKept(), latency: 50 * time.Millisecond}
	return w
}

// open makes the manager at its first use, so that options can come before.
func (w *stage) open() {
	if w.m != nil {
		return
	}
	if w.disk != nil {
		j, err := w.disk.Open()
		if err != nil {
			panic(err)
		}
		w.opts.Journal = j
	}
	m, err := optimist.New(w.opts)
	if err != nil {
		panic(err)
	}
	w.m = m
	w.posts = optimist.NewStore(m, "post", w.storeOptions)
	w.register()
	if w.restored, err = m.Restore(); err != nil {
		panic(err)
	}
	w.sub = m.Subscribe(optimist.SubscribeOptions{})
}

func (w *stage) leave() {
	if w.m != nil {
		ctx, stop := context.WithTimeout(w.ctx, time.Second)
		defer stop()
		w.m.Close(ctx)
	}
	synctest.Wait()
}

func (w *stage) register() {
	w.actions = make(map[string]*optimist.Action[article, gift])
	add := func(def optimist.Mutation[article, gift]) {
		def.Send = func(ctx context.Context, c optimist.Call[gift]) (optimist.Truth[article], error) {
			return w.server.take(ctx, def.Type, c, def.Apply)
		}
		note := func(g gift, r optimist.Result) {
			line := fmt.Sprintf("%s %s %v", w.nameOf(r.ID), r.Type, r.Outcome)
			w.mu.Lock()
			w.settled = append(w.settled, line)
			w.mu.Unlock()
		}
		def.OnSuccess, def.OnError = note, note
		def.Stored = optimist.Stored[gift](storedGift)
		w.actions[def.Type] = optimist.Register(w.posts, def)
	}
	user := func(g gift) string { return g.User }
	add(optimist.Mutation[article, gift]{
		Type: "like", Slot: user, Undo: unlike,
		Apply: func(a article, g gift) (article, error) { a.Likes = member(a.Likes, g.User, g.On); return a, nil },
	})
	add(optimist.Mutation[article, gift]{
		Type: "save", Slot: user, Undo: unsave, Policy: optimist.Policy{Failure: optimist.Park},
		Apply: func(a article, g gift) (article, error) { a.Saves = member(a.Saves, g.User, g.On); return a, nil },
	})
	add(optimist.Mutation[article, gift]{
		Type: "comment",
		Guard: func(a article, g gift) error {
			if a.Text == "locked" {
				return errors.New("no comments on what is locked")
			}
			return nil
		},
		Apply: func(a article, g gift) (article, error) {
			switch {
			case g.Text == "":
				return a, errors.New("an empty comment")
			case g.Text == "panic":
				panic("cannot")
			}
			a.Comments = member(a.Comments, strings.Join(append([]string{g.ID}, g.Tags...), "+")+":"+g.Text, true)
			return a, nil
		},
	})
	add(optimist.Mutation[article, gift]{
		Type: "upload", Policy: optimist.Policy{Cancel: optimist.EndCalls},
		Apply: func(a article, g gift) (article, error) {
			a.Comments = member(a.Comments, g.ID+":"+g.Text, true)
			return a, nil
		},
	})
	text := func(a article, g gift) (article, error) { a.Text = g.Text; return a, nil }
	doc := func(gift) string { return "text" }
	add(optimist.Mutation[article, gift]{Type: "create", Family: "text", Kind: optimist.Create, Slot: doc, Apply: text})
	add(optimist.Mutation[article, gift]{Type: "edit", Family: "text", Slot: doc, Apply: text, Undo: unedit,
		Resolve: func(c optimist.Conflict[article, gift]) optimist.Decision[gift] {
			if strings.HasPrefix(c.Args.Text, "mine") {
				return c.KeepMine()
			}
			if strings.HasPrefix(c.Args.Text, "both") {
				c.Args.Text += "/" + c.Theirs.Text
				return c.Merge(c.Args)
			}
			return optimist.LastWriterWins(c)
		}})
	add(optimist.Mutation[article, gift]{Type: "delete", Family: "text", Kind: optimist.Delete, Slot: doc})
	add(optimist.Mutation[article, gift]{Type: "publish", Barrier: true,
		Apply: func(a article, g gift) (article, error) { a.Public = g.On; return a, nil }})
	add(optimist.Mutation[article, gift]{Type: "confirmed-like", Slot: user, Pessimistic: true,
		Apply: func(a article, g gift) (article, error) { a.Likes = member(a.Likes, g.User, g.On); return a, nil }})
	w.group = optimist.RegisterGroup(w.m, optimist.Group[gift]{
		Type: "like-both", Stored: optimist.Stored[gift](storedGift),
		Parts: func(g gift) []optimist.Part {
			like := func(a article) (article, error) { a.Likes = member(a.Likes, g.User, true); return a, nil }
			return []optimist.Part{w.posts.Part(g.ID, like), w.posts.Part(g.To, like)}
		},
		Send: func(ctx context.Context, c optimist.Call[gift]) ([]optimist.EntityTruth, error) {
			return nil, w.server.refuse(ctx, "like-both", c)
		},
	})
	w.registerAround(add)
	first, second := w.actions["create"], w.actions["edit"]
	rule := func(rule optimist.MergeRule) func(a, b *gift) optimist.MergeRule {
		return func(a, b *gift) optimist.MergeRule { a.Text = b.Text; return rule }
	}
	optimist.Merge(first, second, rule(optimist.TakeFirst))
	optimist.Merge(first, w.actions["delete"], func(a, b *gift) optimist.MergeRule { return optimist.Annihilate })
	optimist.Merge(second, second, func(a, b *gift) optimist.MergeRule { return optimist.TakeSecond })
}

func (w *stage) nameOf(id string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.names[id] == "" {
		w.names[id] = fmt.Sprintf("h%d", len(w.names)+1)
	}
	return w.names[id]
}
