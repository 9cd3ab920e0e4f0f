//go:build !js

package web

import (
	"slices"
	"testing"

	"github.com/optimist-go/optimist/engagement"
)

// likesShown are the numbers of likes of the posts, in the order of the board.
func (s *stage) likesShown() (likes []int) {
	for _, id := range s.board.shown {
		likes = append(likes, s.visit.service.Post(id).Value.LikesCount)
	}
	return likes
}

func descends(n []int) bool { return slices.IsSortedFunc(n, func(a, b int) int { return b - a }) }

// TestChosenWithoutTheServer: posts are chosen and put into another order at once, of those that
// the page has; taps move them, and the server's answer only completes them.
func TestChosenWithoutTheServer(t *testing.T) {
	s := newStage(t)
	s.enter("kofi")
	all := len(s.board.shown)
	s.SetOnline(false)
	s.Act(Action{Name: "sort", Value: "likes"})
	s.draw()
	if !descends(s.likesShown()) || len(s.board.shown) != all || !has(s.board.regions["views"], "already here") {
		t.Errorf("offline, the most liked first: likes %v of %d posts; %q", s.likesShown(), all, s.board.regions["views"].words())
	}
	s.Act(Action{Name: "view", Value: "saved"})
	s.draw()
	before := slices.Clone(s.board.shown)
	s.Act(Action{Name: "view", Value: "all"})
	s.draw()
	at := slices.IndexFunc(s.board.shown, func(id string) bool { return !slices.Contains(before, id) })
	s.Act(Action{Name: "save", Post: s.board.shown[at]})
	saved := s.board.shown[at]
	for _, id := range slices.Clone(s.board.shown) {
		if !s.visit.service.Post(id).Value.Liked {
			s.Act(Action{Name: "like", Post: id})
			s.draw()
			if !descends(s.likesShown()) {
				t.Errorf("after a like: likes %v", s.likesShown())
			}
		}
	}
	s.Act(Action{Name: "view", Value: "saved"})
	s.draw()
	if !slices.Contains(s.board.shown, saved) || len(s.board.shown) != len(before)+1 {
		t.Errorf("the saved post is not among the saved: %q in %q", saved, s.board.shown)
	}
	want := slices.Clone(s.board.shown)
	s.SetOnline(true)
	s.until("all saved, and the number of saved posts", func(b *board) bool {
		return barSays("All saved")(b) && has(b.regions["views"], plural(len(want), "post")) && !has(b.regions["views"], "About")
	})
	if !slices.Equal(s.board.shown, want) {
		t.Errorf("the server's posts are %q, before they were %q", s.board.shown, want)
	}
	s.Act(Action{Name: "save", Post: saved})
	s.draw()
	if slices.Contains(s.board.shown, saved) || s.board.focused != "feed" {
		t.Errorf("a post that is not saved any more stays, or the focus is on %q", s.board.focused)
	}
	s.Act(Action{Name: "by", Value: "ines"})
	s.until("the posts of ines", func(b *board) bool {
		return has(b.regions["views"], "By ines") && has(b.regions["views"], plural(len(b.shown), "post")) && len(b.shown) > 0
	})
	for _, id := range s.board.shown {
		if s.visit.service.Post(id).Value.Author != "ines" {
			t.Error("a post of somebody else is among them")
		}
	}
	s.Act(Action{Name: "post-add", Value: "where is it?"})
	s.draw()
	if s.visit.service.Post(s.board.shown[0]).Value.Text != "where is it?" {
		t.Error("a new post is not shown at the top")
	}
}

// TestMoreAtOnce: who asks for more in the moment in which a page comes gets it.
func TestMoreAtOnce(t *testing.T) {
	s := newStage(t)
	s.enter("ada")
	for i := range 330 {
		s.apply(engagement.Operation{Kind: engagement.CreatePost, User: "wren", Post: engagement.NewID(), Text: "Post " + number(i)})
	}
	s.Act(Action{Name: "view", Value: "mine"})
	s.Act(Action{Name: "by", Value: "wren"})
	for _, n := range []int{120, 220, 320, 330} {
		s.until("that there are more", func(b *board) bool { return has(b.regions["end"], "More posts") })
		s.Act(Action{Name: "more"})
		s.until("more posts", func(b *board) bool { return len(b.shown) >= n })
	}
}
