//go:build !js

package web

import (
	"slices"
	"testing"
	"time"

	"github.com/optimist-go/optimist/engagement/wire"
)

func TestPlaces(t *testing.T) {
	for place, want := range map[string]wire.Selection{
		"":                   {},
		"saved":              {Saved: true},
		"by=joao":            {Author: "joao"},
		"sort=likes":         {Sort: wire.MostLiked},
		"by=joao&sort=likes": {Author: "joao", Sort: wire.MostLiked},
	} {
		if of, ok := selectionAt(place); !ok || of != want {
			t.Errorf("%q: %+v, %v", place, of, ok)
		}
		if got := placeOf(want); got != place {
			t.Errorf("%+v: %q, want %q", want, got, place)
		}
	}
	for _, word := range []string{"feed", "saved=1", "by=", "by=Joao", "by=a&by=b", "sort=newest", "sort=age", "sort=likes&by=joao", "&", "saved&"} {
		if of, ok := selectionAt(word); ok {
			t.Errorf("%q is a place: %+v", word, of)
		}
	}
}

// TestPlaceAtTheBeginning: the page begins with the posts of its address; a tap from before the
// client has its effect there, and a place that needs a user is none without one.
func TestPlaceAtTheBeginning(t *testing.T) {
	s := newStage(t)
	post := s.enter("ada")
	if !s.visit.service.Post(post).Value.Saved {
		s.Act(Action{Name: "save", Post: post})
		s.until("all saved", barSays("All saved"))
	}
	served := s.firstFor()

	at := func(place string, of *wire.First, early ...Action) *stage {
		return s.beginOver(s.wires, newHousehold(), Hooks{Place: place, First: of}, early...)
	}
	const likes = "sort=likes"
	if page := at(likes, nil); page.Place() != likes {
		t.Errorf("before the first visit the page is at %q", page.Place())
	} else {
		page.until("its posts", func(b *board) bool { return page.Place() == likes && len(b.shown) > 0 })
	}
	page := at("saved", served)
	page.until("the saved posts alone", page.savedAlone)
	page.Act(Action{Name: "place"})
	page.until("all posts", func(b *board) bool { return page.Place() == "" && len(b.shown) > 1 })
	page.Act(Action{Name: "place", Value: "nowhere"})
	if page.Place() != "" {
		t.Errorf("the page went to %q", page.Place())
	}

	early := at("", served, Action{Name: "sort", Value: "likes"})
	early.until("the early choice", func(b *board) bool { return early.Place() == likes && len(b.shown) > 0 })

	if page := at("nowhere", nil); page.Place() != "" {
		t.Errorf("the page begins at %q", page.Place())
	}
}

// savedAlone reports whether the page shows the saved posts and no others.
func (s *stage) savedAlone(b *board) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.placeLocked() == "saved" && len(b.shown) > 0 && s.visit != nil &&
		!slices.ContainsFunc(b.shown, func(id string) bool { return !s.visit.service.Post(id).Value.Saved })
}

// TestChosenPostsAlone: from the paint in which other posts are chosen on, the page shows none of
// those before, also while it has painted a part of the chosen ones only.
func TestChosenPostsAlone(t *testing.T) {
	s := newStage(t)
	s.enter("ada")
	all := slices.Clone(s.board.shown)
	author := s.visit.service.Post(all[0]).Value.Author
	isTheirs := func(id string) bool { return s.visit.service.Post(id).Value.Author == author }
	s.Act(Action{Name: "by", Value: author})
	s.until("the posts of one person", func(b *board) bool {
		return len(b.shown) > 0 && !slices.ContainsFunc(b.shown, func(id string) bool { return !isTheirs(id) })
	})
	s.board.posts = make(map[string]*Node)
	s.Act(Action{Name: "view", Value: "all"})
	parts := 0
	for done := false; !done; parts++ {
		done = s.paint(s.board, time.Now(), func() bool { return false })
		want := slices.DeleteFunc(slices.Clone(all), func(id string) bool { return !isTheirs(id) && s.board.posts[id] == nil })
		if !slices.Equal(s.board.shown, want) {
			t.Errorf("paint %d shows %q, want %q", parts, s.board.shown, want)
		}
	}
	if parts < 3 || len(s.board.shown) != len(all) {
		t.Errorf("%d of %d posts after %d paints: this test shows nothing", len(s.board.shown), len(all), parts)
	}
}

// TestPlaceOfPersonWhoSignsIn: the posts that a person looks at stay while the person signs in, or
// while the page learns of a session that it did not know; the own posts wait for their person.
func TestPlaceOfPersonWhoSignsIn(t *testing.T) {
	s := newStage(t)
	s.until("the feed of who is nobody", func(b *board) bool { return len(b.shown) > 5 && b.regions["sign-in"] != nil })
	s.Act(Action{Name: "sort", Value: "likes"})
	s.enter("ada")
	if s.Place() != "sort=likes" {
		t.Errorf("ada is at %q", s.Place())
	}
	if post := s.board.shown[2]; !s.visit.service.Post(post).Value.Saved {
		s.Act(Action{Name: "save", Post: post})
		s.until("all saved", barSays("All saved"))
	}
	s.Act(Action{Name: "sign-out"})
	s.until("nobody's page", func(b *board) bool { return barSays("Connected")(b) && b.regions["sign-in"] != nil && len(b.shown) > 5 })
	if s.Place() != "" {
		t.Errorf("who signed out left %q", s.Place())
	}

	nobody := s.beginOver(s.wires, newHousehold(), Hooks{Place: "saved"})
	nobody.until("all posts", func(b *board) bool { return nobody.Place() == "saved" && len(b.shown) > 5 })
	nobody.Act(Action{Name: "place", Value: "main"}) // an anchor
	nobody.Act(Action{Name: "sign-in-as", Value: "ada"})
	nobody.until("the saved posts alone", nobody.savedAlone)

	nobody.Act(Action{Name: "sign-out"})
	nobody.until("nobody's page again", func(b *board) bool { return barSays("Connected")(b) && b.regions["sign-in"] != nil && len(b.shown) > 5 })
	nobody.Act(Action{Name: "place", Value: "saved"})
	nobody.Act(Action{Name: "view", Value: "all"})
	if nobody.Place() != "" {
		t.Errorf("who chose all posts is at %q", nobody.Place())
	}
}
