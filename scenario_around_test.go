package optimist_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/optimist-go/optimist"
)

// What the scenarios of laws 40 to 44 and 50 need: truth in pieces and pages, ids that the
// server makes, groups that meet conflicts, eras, and undo.

func newKept() kept {
	return kept{posts: make(map[string]*post), done: make(map[string]bool), made: make(map[string]string)}
}

func unlike(u optimist.Undone[article, gift]) optimist.Planned {
	u.Args.On = member(u.Before.Likes, u.Args.User, true) == u.Before.Likes
	return u.Plan(u.Args)
}

func unsave(u optimist.Undone[article, gift]) optimist.Planned {
	u.Args.On = member(u.Before.Saves, u.Args.User, true) == u.Before.Saves
	return u.Plan(u.Args)
}

func unedit(u optimist.Undone[article, gift]) optimist.Planned {
	u.Args.Text = u.Before.Text
	return u.Plan(u.Args)
}

func (w *stage) registerAround(add func(optimist.Mutation[article, gift])) {
	add(optimist.Mutation[article, gift]{
		Type: "draft", Kind: optimist.Create, ServerID: true,
		Apply: func(a article, g gift) (article, error) { a.Text = g.Text; return a, nil },
	})
	add(optimist.Mutation[article, gift]{
		Type: "link", Refs: func(g gift) []string { return []string{"post:" + g.To} },
		Apply: func(a article, g gift) (article, error) {
			a.Comments = member(a.Comments, "see:"+g.To, true)
			return a, nil
		},
	})
	w.saveBoth = optimist.RegisterGroup(w.m, optimist.Group[gift]{
		Type: "save-both", Stored: optimist.Stored[gift](storedGift),
		Parts: func(g gift) []optimist.Part {
			save := func(a article) (article, error) { a.Saves = member(a.Saves, g.User, true); return a, nil }
			return []optimist.Part{w.posts.Part(g.ID, save), w.posts.Part(g.To, save)}
		},
		Resolve: func(c optimist.GroupConflict[gift]) optimist.Decision[gift] {
			switch c.Args.User {
			case "mine":
				return c.KeepMine()
			case "theirs":
				return c.TakeTheirs()
			}
			return c.Fail(errors.New("both were changed"))
		},
		Send: func(ctx context.Context, c optimist.Call[gift]) ([]optimist.EntityTruth, error) {
			return w.server.takeBoth(c)
		},
	})
}

// takeBoth is one call of a group, which tells the truth of both articles.
func (s *backend) takeBoth(c optimist.Call[gift]) (all []optimist.EntityTruth, err error) {
	how := s.note("save-both", c)
	time.Sleep(s.travel(c.ID))
	s.stage.mu.Lock()
	defer s.stage.mu.Unlock()
	if err := failure(how); err != nil {
		return nil, err
	}
	for _, id := range []string{c.Args.ID, c.Args.To} {
		p := s.post(id)
		switch {
		case how == "conflict":
			p.Text, p.version = "theirs", p.version+1
			err = optimist.Fail(optimist.Conflicting, errors.New("something else is there"))
		case !s.done[c.ID]:
			p.Saves, p.version = member(p.Saves, c.Args.User, true), p.version+1
		}
		if how != "silent" {
			all = append(all, s.stage.posts.EntityTruth(id, s.truth(p)))
		}
	}
	s.done[c.ID] = err == nil
	return all, err
}

func (w *stage) receive(args []string) string {
	t := w.told(args[1:])
	w.mu.Lock()
	p := w.server.post(id(args[0]))
	if t.Version == 0 || t.Version > p.version || len(w.server.calls) == 0 {
		p.article, p.version, p.at = t.Value, max(t.Version, 1), t.At
	}
	w.mu.Unlock()
	return say(w.posts.Receive(id(args[0]), t))
}

// told is the truth that words tell.
func (w *stage) told(args []string) optimist.Truth[article] {
	t := optimist.TruthOf(article{}, 0)
	for _, a := range args {
		key, value, _ := strings.Cut(a, "=")
		n, _ := strconv.Atoi(value)
		switch key {
		case "likes":
			t.Value.Likes = strings.ReplaceAll(value, ",", " ")
		case "text":
			t.Value.Text = value
		case "v":
			t.Version = uint64(n)
		case "gone":
			t.Presence, t.Value = optimist.Absent, article{}
		case "ahead":
			d, _ := time.ParseDuration(value)
			t.At = optimist.TimestampOf(time.Now().Add(d))
		case "contains":
			for _, h := range strings.Split(value, ",") {
				t.Contains = append(t.Contains, w.handle(h).ID())
			}
		case "era":
			t.Era = uint64(n)
		}
	}
	return t
}

// truth is the truth held below a view.
func (w *stage) truth(entity string) string {
	t := w.posts.Truth(id(entity))
	out := fmt.Sprintf("%s %v%s v=%d", entity, t.Presence, describe(t.Value), t.Version)
	if t.Predicted {
		out += " predicted"
	}
	return out + "\n"
}

// piece receives the fields that changed between two versions.
func (w *stage) piece(args []string) string {
	var p optimist.Piece[article]
	change := func(a article) article { return a }
	for _, a := range args[1:] {
		key, value, _ := strings.Cut(a, "=")
		n, _ := strconv.Atoi(value)
		before := change
		switch key {
		case "follows":
			p.Follows = uint64(n)
		case "v":
			p.Version = uint64(n)
		case "text":
			change = func(a article) article { a = before(a); a.Text = value; return a }
		case "likes":
			change = func(a article) article { a = before(a); a.Likes = strings.ReplaceAll(value, ",", " "); return a }
		}
	}
	p.Change = change
	w.mu.Lock()
	if on := w.server.post(id(args[0])); on.version < p.Version {
		on.article, on.version = change(on.article), p.Version
	}
	w.mu.Unlock()
	return say(w.posts.ReceivePiece(id(args[0]), p))
}

// page receives the truths of several articles, each with its words behind its name.
func (w *stage) page(args []string) string {
	page := make(map[string]optimist.Truth[article])
	for len(args) > 0 {
		n := 1
		for n < len(args) && !strings.HasPrefix(args[n], "post:") {
			n++
		}
		page[id(args[0])] = w.told(args[1:n])
		args = args[n:]
	}
	return say(w.posts.ReceivePage(page))
}

func (w *stage) undo(name string) string {
	h, err := w.handle(name).Undo(w.ctx)
	if err != nil {
		return say(err)
	}
	by := w.nameOf(h.ID())
	if by != name {
		w.handles = append(w.handles, h)
	}
	return fmt.Sprintf("%s is undone by %s\n", name, by)
}
