package client

import (
	"context"
	"errors"
	"iter"
	"math"
	"strings"
	"sync"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/journal"
	"github.com/optimist-go/optimist/list"
)

// Options are the options of a [Service]. Transport is required, all other fields may be
// zero.
type Options struct {
	Transport Transport

	// User is the user who acts; empty: no user is signed in, and every change fails with
	// [ErrSignedOut].
	User string

	// ClientID names this device or tab; empty: random.
	ClientID string

	// Policy applies to all operations, with these exceptions: posts and comments are sent
	// without a debounce, deletions of posts after [Regret], and comments that fail wait for
	// the user's decision.
	Policy optimist.Policy

	// Journal stores changes that the server does not have yet, for this user's next
	// Service; nil: they live in memory only. With a journal, call [Service.Restore] before
	// the first change. The Service closes the journal.
	Journal journal.Journal

	// Later says that Journal is not available yet: [Service.Move] later stores the
	// unsettled changes in one. Call [Service.Restore] as with a journal.
	Later bool

	interim *interim // with Later: the interim journal to go on with

	// MaxInFlight caps the calls under way. 0: the library's default.
	MaxInFlight int
}

// Service is the application for one user. Make one with [New]. A Service is safe for
// concurrent use.
type Service struct {
	Posts    *Posts
	Likes    *Marks[LikeResult]
	Saves    *Marks[SaveResult]
	Comments *Comments

	options   Options
	interim   *interim // nil: Options has a Journal, or Later is false
	user      string
	transport Transport
	manager   *optimist.Manager
	posts     *optimist.Store[Post]
	comments  *optimist.Store[Post] // of posts with older comments, one by one; see Older.truth

	places places

	// mu guards the fields below it.
	mu      sync.Mutex
	from    string          // the position of the first page that was read: Follow begins there
	known   map[string]bool // existing posts that the server has told of
	lists   map[*list.List[Post]]bool
	olders  map[string]*Older // by post
	oldest  int64             // the earliest creation time of the posts that Load has read
	renewal *renewal          // nil: the known posts are up to date
	// truths has the truths, by post, that Move hands on; inherited has the truths that Move
	// has handed on, until Restore.
	truths, inherited map[string]optimist.Truth[Post]
}

// ErrSignedOut refuses changes while no user is signed in.
var ErrSignedOut = errors.New("sign in first")

// New returns a Service, to be closed with [Service.Close]. The error says which option
// is missing or wrong.
func New(o Options) (*Service, error) {
	if o.Transport == nil {
		return nil, errors.New("client: Options.Transport is nil")
	}
	s := &Service{options: o, user: o.User, transport: o.Transport, known: make(map[string]bool), lists: make(map[*list.List[Post]]bool), olders: make(map[string]*Older), oldest: math.MaxInt64}
	if o.Later && o.Journal == nil {
		if s.interim = o.interim; s.interim == nil {
			s.interim = newInterim()
		}
		s.truths = make(map[string]optimist.Truth[Post])
		o.Journal = s.interim
	}
	m, err := optimist.New(optimist.Options{
		ClientID: o.ClientID, Policy: o.Policy, MaxInFlight: o.MaxInFlight, Journal: o.Journal,
		// The server keeps stamps to its own clock. A device whose clock is slow, by hours
		// even, follows it: otherwise its taps would be older than the truths on which they
		// were made.
		MaxDrift: math.MaxInt64,
	})
	if err != nil {
		return nil, err
	}
	s.manager = m
	s.posts = optimist.NewStore(m, "post", optimist.StoreOptions[Post]{Equal: equalPosts})
	s.comments = optimist.NewStore(m, "older", optimist.StoreOptions[Post]{Equal: equalPosts})
	s.Posts = newPosts(s)
	s.Likes = newLikes(s)
	s.Saves = newSaves(s)
	s.Comments = newComments(s, o.Policy)
	return s, m.Err()
}

// User returns the user who acts; empty when no user is signed in.
func (s *Service) User() string { return s.user }

// Manager returns the manager of all changes, for its events, counts and switches.
func (s *Service) Manager() *optimist.Manager { return s.manager }

// Post returns the post as the user sees it now.
func (s *Service) Post(id string) optimist.View[Post] { return s.posts.View(id) }

// Watch ranges over the views of a post; see [optimist.Store.Watch].
func (s *Service) Watch(ctx context.Context, id string) iter.Seq[optimist.View[Post]] {
	return s.posts.Watch(ctx, id)
}

// EntityOf returns the entity name of a post in events.
func EntityOf(post string) string { return "post:" + post }

// PostOf returns the post to which an entity of events belongs: it is the post, or one of its
// older comments.
func PostOf(entity string) string {
	_, id, _ := strings.Cut(entity, ":")
	post, _, _ := strings.Cut(id, "/")
	return post
}

// Restore brings back the changes that an earlier Service has left in the journal.
// Without a journal it does nothing.
func (s *Service) Restore() (err error) {
	restored, err := s.manager.Restore()
	if err != nil {
		return err
	}
	for _, h := range restored.Quarantined {
		if s.interim != nil && h.ID() == "" { // the record that says where the sequence numbers begin
			err = errors.Join(err, h.Discard())
		}
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

// Close gives unsettled changes time to settle until ctx ends. Changes that are left then
// stay in the journal; without a journal they are undone, and the error says so.
// [Service.Follow] must have returned before.
func (s *Service) Close(ctx context.Context) error {
	s.mu.Lock()
	olders := s.olders
	s.olders = make(map[string]*Older)
	s.mu.Unlock()
	for _, o := range olders {
		o.end(false)
	}
	return s.manager.Close(ctx)
}

func (s *Service) mayAct() error {
	if s.user == "" {
		return ErrSignedOut
	}
	return nil
}
