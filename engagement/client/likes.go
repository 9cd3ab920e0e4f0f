package client

import (
	"context"

	"github.com/optimist-go/optimist"
)

// Likes likes posts and takes likes back.
type Likes struct {
	service *Service
	like    *optimist.Switch[Post]
}

// LikeResult is how a like stands or ended.
type LikeResult struct {
	// Success says that the server has the state that the tap wanted.
	Success    bool
	IsLiked    bool
	LikesCount int
}

func newLikes(s *Service) *Likes {
	return &Likes{s, optimist.RegisterToggle(s.posts, optimist.Toggle[Post]{
		Type: "like",
		Get:  func(p Post, _ string) bool { return p.Liked },
		Set:  func(p Post, _ string, on bool) Post { return p.setLiked(on) },
		Send: func(ctx context.Context, c optimist.Call[optimist.Switched]) (optimist.Truth[Post], error) {
			return sendMark(ctx, s, c, "like")
		},
		Resolve: resolve[optimist.Switched],
		Stored:  stored[optimist.Switched](),
	})}
}

// Toggle likes the post, or takes the like back: the opposite of what the user
// sees. It returns when the change is visible.
func (l *Likes) Toggle(ctx context.Context, post string) (*LikeTap, error) {
	if err := l.service.mayAct(); err != nil {
		return nil, err
	}
	return l.tap(post)(l.like.Toggle(ctx, post, l.service.user))
}

// Set makes sure that the post is liked, or is not.
func (l *Likes) Set(ctx context.Context, post string, on bool) (*LikeTap, error) {
	if err := l.service.mayAct(); err != nil {
		return nil, err
	}
	return l.tap(post)(l.like.Set(ctx, post, l.service.user, on))
}

func (l *Likes) tap(post string) func(*optimist.Handle, error) (*LikeTap, error) {
	return func(h *optimist.Handle, err error) (*LikeTap, error) {
		if err != nil {
			return nil, err
		}
		return &LikeTap{l.service, post, h}, nil
	}
}

// LikeTap follows one tap.
type LikeTap struct {
	service *Service
	post    string
	Handle  *optimist.Handle
}

// Wait waits until the tap is settled, or replaced by a later one that is.
func (t *LikeTap) Wait(ctx context.Context) (LikeResult, error) {
	r, err := t.Handle.Final(ctx)
	if err != nil {
		return LikeResult{}, err
	}
	p := t.service.Post(t.post).Value
	return LikeResult{Success: r.Success(), IsLiked: p.Liked, LikesCount: p.LikesCount}, nil
}
