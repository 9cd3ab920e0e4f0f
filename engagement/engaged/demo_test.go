package engaged

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/optimist-go/optimist/engagement"
	"github.com/optimist-go/optimist/engagement/sqlstore"
	"github.com/optimist-go/optimist/engagement/wire"
)

// breakingStore fails when it has applied so many operations, and goes on to do so
// until it is given more.
type breakingStore struct {
	engagement.Store
	left int
}

var errBroken = errors.New("broken")

func (s *breakingStore) Apply(ctx context.Context, op engagement.Operation) (engagement.Applied, error) {
	if s.left == 0 {
		return engagement.Applied{}, errBroken
	}
	s.left--
	return s.Store.Apply(ctx, op)
}

func newMemory(clock *clock) engagement.Store {
	store, err := sqlstore.Open(context.Background(), sqlstore.Memory, sqlstore.Options{Now: clock.Now})
	if err != nil {
		panic(err)
	}
	return store
}

func newBreakingStore(applies int) (*breakingStore, *clock) {
	clock := &clock{}
	return &breakingStore{Store: newMemory(clock), left: applies}, clock
}

// describe is all that people see of the store but ids and times.
func describe(t *testing.T, store engagement.Store) (text string) {
	t.Helper()
	page, err := store.Posts(t.Context(), "", wire.Selection{}, wire.Cursor{}, wire.MaxPage)
	if err != nil || page.More {
		t.Fatal(page.More, err)
	}
	for _, truth := range page.Truths {
		p := truth.Post
		text += fmt.Sprintln(p.Author, p.Text, p.Likes, p.Saves, p.Comments, p.Version)
		for _, c := range truth.Comments {
			text += fmt.Sprintln(c.Author, c.Text)
		}
	}
	return text
}

func TestDemoThatBrokeOffIsFinished(t *testing.T) {
	const enough = 1000
	whole, clock := newBreakingStore(enough)
	if err := seed(t.Context(), whole, clock); err != nil {
		t.Fatal(err)
	}
	want, all := describe(t, whole), enough-whole.left
	for applies := 0; applies < all; applies += 7 {
		store, clock := newBreakingStore(applies)
		if err := seed(t.Context(), store, clock); !errors.Is(err, errBroken) {
			t.Fatalf("after %d operations: %v", applies, err)
		}
		store.left = enough
		if err := seed(t.Context(), store, clock); err != nil {
			t.Fatalf("after %d operations and again: %v", applies, err)
		}
		if got := describe(t, store); got != want {
			t.Fatalf("after %d operations and again:\n%s\nwant\n%s", applies, got, want)
		}
		store.left = 0 // it is complete: nothing is left to do
		if err := seed(t.Context(), store, clock); err != nil {
			t.Errorf("after all: %v", err)
		}
	}
}

func TestUsedStoreIsNoDemo(t *testing.T) {
	store, clock := newBreakingStore(1)
	op := engagement.Operation{Key: "k", User: "ada", Kind: engagement.CreatePost, Post: engagement.NewID(), Text: "mine",
		Stamp: engagement.Stamp{At: 1 << 40, Client: "phone"}}
	if _, err := store.Apply(t.Context(), op); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := seed(t.Context(), store, clock); err != nil {
			t.Fatal(err)
		}
	}
}
