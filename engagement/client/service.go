package client

import (
	"context"
	"errors"
	"iter"
	"math"
	"sync"

	"github.com/optimist-go/optimist"
)

// Options of a Service. Transport is required, the rest may be zero.
type Options struct {
	Transport Transport

	// User is who acts; empty: nobody is signed in, and nothing can be changed.
	User string

	// ClientID names this device or tab; empty: random.
	ClientID string

	// Policy is for all operations, but that posts and comments are sent without a
	// debounce, deletions of posts after Regret, and that comments which fail wait for
	// the user's decision.
	Policy optimist.Policy

	// Journal keeps changes that the server does not have yet, for this user's next
	// Service; nil: they live in memory only. With one, call Restore before anything
	// is changed. The Service closes it.
	Journal optimist.Journal

	// Later says that there is no Journal yet, and that one may come: then Move takes what
	// is unsettled over. Restore must be called as with a journal.
	Later bool

	interim *interim // with Later: go on with this one

	// MaxInFlight caps the calls under way. 0: the library's default.
	MaxInFlight int
}

// Service is the application for one user. Make one with New. It is safe for
// concurrent use.
type Service struct {
	Posts    *Posts
	Likes    *Likes
	Saves    *Saves
	Comments *Comments

	options   Options
	interim   *interim // nil: there is a journal, or none comes
	user      string
	transport Transport
	manager   *optimist.Manager
	posts     *optimist.Store[Post]

	// mu guards the fields below it.
	mu      sync.Mutex
	known   map[string]bool // posts that are there, as far as was told
	oldest  int64           // of the posts that Load has brought, when it was made
	renewal *renewal        // nil: what is known is so
	// truths are what was told, by post, as far as Move has to hand it on; inherited is what
	// it has handed on, until Restore.
	truths, inherited map[string]optimist.Truth[Post]
}

// ErrSignedOut refuses changes as long as nobody is signed in.
var ErrSignedOut = errors.New("sign in first")

// New returns a Service. Close it.
func New(o Options) (*Service, error) {
	if o.Transport == nil {
		return nil, errors.New("client: Options.Transport is nil")
	}
	s := &Service{options: o, user: o.User, transport: o.Transport, known: make(map[string]bool), oldest: math.MaxInt64}
	if o.Later && o.Journal == nil {
		if s.interim = o.interim; s.interim == nil {
			s.interim = newInterim()
		}
		s.truths = make(map[string]optimist.Truth[Post])
		o.Journal = s.interim
	}
	m, err := optimist.New(optimist.Options{
		ClientID: o.ClientID, Policy: o.Policy, MaxInFlight: o.MaxInFlight, Journal: o.Journal,
		// The server keeps stamps to its own clock. A device whose clock is slow, by
		// hours even, follows it: else its taps would be older than what they answer.
		MaxDrift: math.MaxInt64,
	})
	if err != nil {
		return nil, err
	}
	s.manager = m
	s.posts = optimist.NewStore(m, "post", optimist.WithEqual(equalPosts))
	s.Posts = newPosts(s)
	s.Likes = newLikes(s)
	s.Saves = newSaves(s)
	s.Comments = newComments(s, o.Policy)
	return s, m.Err()
}

// User is who acts; empty when nobody is signed in.
func (s *Service) User() string { return s.user }

// Manager is the manager of all changes, for its events, counts and switches.
func (s *Service) Manager() *optimist.Manager { return s.manager }

// Post is the post as the user sees it now.
func (s *Service) Post(id string) optimist.View[Post] { return s.posts.View(id) }

// Watch ranges over what the user sees of a post; see optimist.Store.Watch.
func (s *Service) Watch(ctx context.Context, id string) iter.Seq[optimist.View[Post]] {
	return s.posts.Watch(ctx, id)
}

// EntityOf is the name under which events speak of a post.
func EntityOf(post string) string { return "post:" + post }

// Restore brings back the changes that an earlier Service has left in the journal.
// Without a journal it does nothing.
func (s *Service) Restore() error {
	restored, err := s.manager.Restore()
	if err != nil {
		return err
	}
	s.Comments.adopt(restored.Operations)
	s.Posts.adopt(restored.Operations)
	if s.interim != nil {
		err = s.manager.DiscardQuarantined(s.interim.base)
	}
	s.mu.Lock()
	truths := s.inherited
	s.inherited = nil
	s.mu.Unlock()
	for id, t := range truths {
		s.tell(id, t)
		err = errors.Join(err, s.posts.Receive(id, t))
	}
	return err
}

// Close gives unsettled changes until ctx ends. What is left then stays in the
// journal; without one it is undone, and the error says so. Follow must have
// returned.
func (s *Service) Close(ctx context.Context) error { return s.manager.Close(ctx) }

func (s *Service) mayAct() error {
	if s.user == "" {
		return ErrSignedOut
	}
	return nil
}
