package optimist

import (
	"context"
	"testing"
	"testing/synctest"
)

// TestWatchSeesANewVersionOfTheSameValue: the version is part of a view.
func TestWatchSeesANewVersionOfTheSameValue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		m, err := New(Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close(t.Context())
		posts := NewStore[post](m, "post")
		posts.Receive("1", TruthOf(post{Likes: 3}, 1))
		var versions []uint64
		go func() {
			for v := range posts.Watch(ctx, "1") {
				versions = append(versions, v.Version)
			}
		}()
		synctest.Wait()
		posts.Receive("1", TruthOf(post{Likes: 3}, 2))
		synctest.Wait()
		cancel()
		synctest.Wait()
		if len(versions) != 2 || versions[1] != 2 {
			t.Fatalf("versions %v", versions)
		}
	})
}
