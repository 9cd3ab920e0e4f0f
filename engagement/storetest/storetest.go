// Package storetest is the contract of [engagement.Store] as tests. Every
// implementation runs it:
//
//	func TestStore(t *testing.T) {
//		storetest.Run(t, func(tb testing.TB, now func() time.Time) engagement.Store { … })
//	}
package storetest

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/optimist-go/optimist/engagement"
	"github.com/optimist-go/optimist/engagement/wire"
)

// Open opens a fresh, empty store whose clock is now. The suite closes it.
type Open func(tb testing.TB, now func() time.Time) engagement.Store

// Run runs the whole suite.
func Run(t *testing.T, open Open) {
	for _, theme := range []struct {
		name string
		test func(*fixture)
	}{
		{"MarksKeepTheLatestAct", testMarks},
		{"MarkTiesGoToTheGreaterClient", testMarkTies},
		{"MarksOfPeopleAreApart", testMarksApart},
		{"FastClocksWinNothing", testFastClock},
		{"StampsAreNotAheadWhereTheyAreKept", testStampsKept},
		{"TimeOfAPostNeverGoesBack", testClockSetBack},
		{"PostLife", testPostLife},
		{"PostsByPage", testPostPages},
		{"LargePostsByPage", testLargePostPages},
		{"PostsBySelection", testSelections},
		{"FarCursors", testFarCursors},
		{"ManyPostsHaveNoTotal", testManyPostsHaveNoTotal},
		{"CommentLife", testCommentLife},
		{"CommentRefusals", testCommentRefusals},
		{"CommentsByPage", testCommentPages},
		{"KeysMakeOnce", testKeys},
		{"KeysAreFreeAfterRefusal", testKeysAfterRefusal},
		{"KeysAtOnce", testKeysAtOnce},
		{"Bounds", testBounds},
		{"Contains", testContains},
		{"Forgetting", testForget},
		{"Sessions", testSessions},
		{"ManyAtOnce", testMany},
		{"EndedContext", testEndedContext},
		{"Closed", testClosed},
	} {
		t.Run(theme.name, func(t *testing.T) {
			f := &fixture{T: t, clock: time.UnixMilli(1_763_823_482_000)}
			f.Store = open(t, f.now)
			t.Cleanup(func() {
				if err := f.Store.Close(); err != nil {
					t.Errorf("close: %v", err)
				}
			})
			theme.test(f)
		})
	}
}

// fixture is one store under test and a clock that the test moves.
type fixture struct {
	*testing.T
	engagement.Store

	// mu guards the fields below it.
	mu    sync.Mutex
	clock time.Time
	keys  int
}

func (f *fixture) now() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.clock
}

func (f *fixture) advance(d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.clock = f.clock.Add(d)
}

// stamp returns the stamp of an act that many milliseconds from now.
func (f *fixture) stamp(milliseconds int64, client string) engagement.Stamp {
	return engagement.Stamp{At: wire.NewStamp(f.now().UnixMilli()+milliseconds, 0), Client: client}
}

// op returns an operation with a fresh key and the present moment.
func (f *fixture) op(kind engagement.Kind, user, post string) engagement.Operation {
	stamp := f.stamp(0, "phone")
	f.mu.Lock()
	defer f.mu.Unlock()
	f.keys++
	return engagement.Operation{Key: fmt.Sprintf("key-%d", f.keys), User: user, Kind: kind, Post: post, Stamp: stamp}
}

func (f *fixture) commentOp(kind engagement.Kind, user, post, comment, text string) engagement.Operation {
	op := f.op(kind, user, post)
	op.Comment, op.Text = comment, text
	return op
}

func (f *fixture) must(op engagement.Operation) engagement.Applied {
	f.Helper()
	applied, err := f.Apply(context.Background(), op)
	if err != nil {
		f.Fatalf("%s by %s: %v", op.Kind, op.User, err)
	}
	return applied
}

func (f *fixture) refused(op engagement.Operation, code engagement.Code) *engagement.Error {
	f.Helper()
	before := f.fingerprint(op.Post)
	applied, err := f.Apply(context.Background(), op)
	if got := engagement.ErrorCode(err); got != code {
		f.Fatalf("%s by %s: %+v, %v, want code %s", op.Kind, op.User, applied, err, code)
	}
	if after := f.fingerprint(op.Post); after != before {
		f.Fatalf("%s by %s was refused and changed\n%s to\n%s", op.Kind, op.User, before, after)
	}
	e, _ := err.(*engagement.Error)
	return e
}

// fingerprint returns all visible state of a post, for two viewers.
func (f *fixture) fingerprint(post string) string {
	var b strings.Builder
	for _, viewer := range []string{"", "ada", "bob"} {
		truth, err := f.Store.Truth(context.Background(), post, viewer)
		fmt.Fprintf(&b, "%+v %v\n", truth, err)
	}
	fmt.Fprintln(&b, f.position())
	return b.String()
}

// position returns the newest position in the feed.
func (f *fixture) position() wire.Position {
	f.Helper()
	page, err := f.Posts(context.Background(), "", wire.Selection{}, wire.Cursor{}, 1)
	at, ok := wire.ParsePosition(page.After)
	if err != nil || !ok {
		f.Fatalf("the page is of %q, %v", page.After, err)
	}
	return at
}

func (f *fixture) truth(post, viewer string) engagement.Truth {
	f.Helper()
	truth, err := f.Store.Truth(context.Background(), post, viewer)
	if err != nil {
		f.Fatal(err)
	}
	return truth
}

// newPost makes a post of the author "ada".
func (f *fixture) newPost() string {
	f.Helper()
	op := f.op(engagement.CreatePost, "ada", engagement.NewID())
	op.Text = "hello"
	f.must(op)
	return op.Post
}

func (f *fixture) audit() {
	f.Helper()
	if err := f.Audit(context.Background()); err != nil {
		f.Fatal(err)
	}
}

func expect[T comparable](f *fixture, what string, got, want T) {
	f.Helper()
	if got != want {
		f.Fatalf("%s: got %v, want %v", what, got, want)
	}
}
