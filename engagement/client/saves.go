package client

import (
	"context"

	"github.com/optimist-go/optimist"
)

// Saves saves posts for later and takes that back.
type Saves struct {
	service *Service
	save    *optimist.Switch[Post]
}

// SaveResult is how a save stands or ended.
type SaveResult struct {
	// Success says that the server has the state that the tap wanted.
	Success    bool
	IsSaved    bool
	SavesCount int
}

func newSaves(s *Service) *Saves {
	return &Saves{s, optimist.RegisterToggle(s.posts, optimist.Toggle[Post]{
		Type: "save",
		Get:  func(p Post, _ string) bool { return p.Saved },
		Set:  func(p Post, _ string, on bool) Post { return p.setSaved(on) },
		Send: func(ctx context.Context, c optimist.Call[optimist.Switched]) (optimist.Truth[Post], error) {
			return sendMark(ctx, s, c, "save")
		},
		Resolve: resolve[optimist.Switched],
		Stored:  stored[optimist.Switched](),
	})}
}

// Toggle saves the post, or takes that back: the opposite of what the user
// sees. It returns when the change is visible.
func (v *Saves) Toggle(ctx context.Context, post string) (*SaveTap, error) {
	if err := v.service.mayAct(); err != nil {
		return nil, err
	}
	return v.tap(post)(v.save.Toggle(ctx, post, v.service.user))
}

// Set makes sure that the post is saved, or is not.
func (v *Saves) Set(ctx context.Context, post string, on bool) (*SaveTap, error) {
	if err := v.service.mayAct(); err != nil {
		return nil, err
	}
	return v.tap(post)(v.save.Set(ctx, post, v.service.user, on))
}

func (v *Saves) tap(post string) func(*optimist.Handle, error) (*SaveTap, error) {
	return func(h *optimist.Handle, err error) (*SaveTap, error) {
		if err != nil {
			return nil, err
		}
		return &SaveTap{v.service, post, h}, nil
	}
}

// SaveTap follows one tap.
type SaveTap struct {
	service *Service
	post    string
	Handle  *optimist.Handle
}

// Wait waits until the tap is settled, or replaced by a later one that is.
func (t *SaveTap) Wait(ctx context.Context) (SaveResult, error) {
	r, err := t.Handle.Final(ctx)
	if err != nil {
		return SaveResult{}, err
	}
	p := t.service.Post(t.post).Value
	return SaveResult{Success: r.Success(), IsSaved: p.Saved, SavesCount: p.SavesCount}, nil
}
