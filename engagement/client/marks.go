package client

import (
	"context"

	"github.com/optimist-go/optimist"
)

// Marks sets and removes the user's marks of one kind on posts: likes or saves. R is the
// result of a tap: [LikeResult] or [SaveResult].
type Marks[R any] struct {
	service *Service
	mark    *optimist.Switch[Post]
	result  func(success bool, p Post) R
}

// LikeResult is the result of a tap on a like.
type LikeResult struct {
	// Success says that the server has the state that the tap wanted.
	Success    bool
	IsLiked    bool
	LikesCount int
}

// SaveResult is the result of a tap on a save.
type SaveResult struct {
	// Success says that the server has the state that the tap wanted.
	Success    bool
	IsSaved    bool
	SavesCount int
}

func newLikes(s *Service) *Marks[LikeResult] {
	return &Marks[LikeResult]{s, registerMark(s, "like", func(p Post) bool { return p.Liked }, Post.setLiked),
		func(success bool, p Post) LikeResult { return LikeResult{success, p.Liked, p.LikesCount} }}
}

func newSaves(s *Service) *Marks[SaveResult] {
	return &Marks[SaveResult]{s, registerMark(s, "save", func(p Post) bool { return p.Saved }, Post.setSaved),
		func(success bool, p Post) SaveResult { return SaveResult{success, p.Saved, p.SavesCount} }}
}

func registerMark(s *Service, kind string, get func(Post) bool, set func(Post, bool) Post) *optimist.Switch[Post] {
	return optimist.RegisterToggle(s.posts, optimist.Toggle[Post]{
		Type: kind,
		Get:  func(p Post, _ string) bool { return get(p) },
		Set:  func(p Post, _ string, on bool) Post { return set(p, on) },
		Send: func(ctx context.Context, c optimist.Call[optimist.Switched]) (optimist.Truth[Post], error) {
			return sendMark(ctx, s, c, kind)
		},
		Resolve: resolve[optimist.Switched],
		Stored:  stored[optimist.Switched](),
	})
}

// Toggle sets the mark on the post, or removes it: the opposite of the state that the
// user sees. It returns when the change is visible. The error is [ErrSignedOut] without a
// user, or an error of [optimist.Switch.Toggle].
func (m *Marks[R]) Toggle(ctx context.Context, post string) (*Tap[R], error) {
	if err := m.service.mayAct(); err != nil {
		return nil, err
	}
	return m.tap(post)(m.mark.Toggle(ctx, post, m.service.user))
}

// Set is Toggle to the given state. Setting a mark that is set, or removing a missing
// one, succeeds.
func (m *Marks[R]) Set(ctx context.Context, post string, on bool) (*Tap[R], error) {
	if err := m.service.mayAct(); err != nil {
		return nil, err
	}
	return m.tap(post)(m.mark.Set(ctx, post, m.service.user, on))
}

func (m *Marks[R]) tap(post string) func(*optimist.Handle, error) (*Tap[R], error) {
	return func(h *optimist.Handle, err error) (*Tap[R], error) {
		if err != nil {
			return nil, err
		}
		return &Tap[R]{m, post, h}, nil
	}
}

// Tap follows one tap on a mark.
type Tap[R any] struct {
	marks *Marks[R]
	post  string
	// Handle is the handle of the tap's operation.
	Handle *optimist.Handle
}

// Wait waits until the tap is settled. For a tap that a later one replaced, the result is
// the result of the later one.
func (t *Tap[R]) Wait(ctx context.Context) (R, error) {
	r, err := t.Handle.Final(ctx)
	if err != nil {
		var none R
		return none, err
	}
	return t.marks.result(r.Success(), t.marks.service.Post(t.post).Value), nil
}
