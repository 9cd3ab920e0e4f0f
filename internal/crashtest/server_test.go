package crashtest

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
)

// server is the program's server, with a bad network in front of it.
type server struct {
	// mu guards everything below.
	mu       sync.Mutex
	rng      *rand.Rand
	good     bool          // no faults, and nothing is too rude
	release  chan struct{} // closed when requests that are held up arrive
	docs     map[string]doc
	versions map[string]uint64
	seen     map[string]request // by id, what reached the server, or was on its way
	applied  map[string]bool    // by id
	rejected map[string]bool    // by id
	ids      map[int]string     // by tap, the id under which it was applied
	wrong    []string           // what must not happen and did
	repeats  int                // requests whose effect was there already
}

func newServer(seed uint64) *server {
	return &server{
		rng: rand.New(rand.NewPCG(seed, 1)), release: make(chan struct{}),
		docs: make(map[string]doc), versions: make(map[string]uint64), seen: make(map[string]request),
		applied: make(map[string]bool), rejected: make(map[string]bool), ids: make(map[int]string),
	}
}

// arrive lets the requests that the network holds up arrive, and sets the weather.
func (s *server) arrive(good bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.release)
	s.release = make(chan struct{})
	s.good = good
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet {
		s.mu.Lock()
		a := s.truthLocked([]string{r.FormValue("entity")})
		s.mu.Unlock()
		_ = json.NewEncoder(w).Encode(a)
		return
	}
	var req request
	if err := json.NewDecoder(r.Body).Decode(&req); err != nil {
		return // its client was killed while it sent
	}
	s.mu.Lock()
	fate, hold := s.rng.IntN(40), s.release
	if s.good {
		fate = -1
	}
	s.noteLocked(req)
	s.mu.Unlock()
	switch fate {
	case 0: // held up until the client has died
		<-hold
	case 1, 2: // never arrives
		panic(http.ErrAbortHandler)
	case 3, 4:
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	s.mu.Lock()
	status, a := s.takeLocked(req)
	s.mu.Unlock()
	if fate >= 5 && fate < 9 { // the answer is lost
		panic(http.ErrAbortHandler)
	}
	if status != http.StatusOK {
		w.WriteHeader(status)
		return
	}
	_ = json.NewEncoder(w).Encode(a)
}

// noteLocked holds the client to sending the same under one id.
func (s *server) noteLocked(req request) {
	before, ok := s.seen[req.ID]
	if ok && fmt.Sprint(before) != fmt.Sprint(req) {
		s.wrongLocked("%s was sent as %+v and then as %+v", req.ID, before, req)
	}
	s.seen[req.ID] = req
}

// takeLocked applies a request, once.
func (s *server) takeLocked(req request) (int, answer) {
	switch {
	case s.applied[req.ID]:
		s.repeats++
		return http.StatusOK, s.truthLocked(req.Entities)
	case s.rejected[req.ID] && req.Kind != "rude":
		return http.StatusUnprocessableEntity, answer{}
	case req.Kind == "rude" && !s.good, req.Kind == "add" && req.Tap%13 == 0:
		s.rejected[req.ID] = true
		return http.StatusUnprocessableEntity, answer{}
	}
	if req.Kind != "toggle" {
		if before, ok := s.ids[req.Tap]; ok {
			s.wrongLocked("tap %d was applied as %s and as %s", req.Tap, before, req.ID)
		}
		s.ids[req.Tap] = req.ID
	}
	_, came := s.ids[req.Parent]
	if req.Of != "" {
		came = s.docs[req.Of].Text >= req.Parent
	}
	if req.Kind == "reply" && !came {
		s.wrongLocked("reply %d came before its parent %d", req.Tap, req.Parent)
	}
	s.applied[req.ID] = true
	for _, e := range req.Entities {
		d := s.docs[e]
		switch req.Kind {
		case "set":
			if req.Tap < d.Text {
				s.wrongLocked("%s: set %d came after set %d", e, req.Tap, d.Text)
			}
			d.Text = req.Tap
		case "toggle":
			d.On = req.On
		default:
			d = d.with(req.Tap)
		}
		s.docs[e] = d
		s.versions[e]++
	}
	return http.StatusOK, s.truthLocked(req.Entities)
}

func (s *server) truthLocked(entities []string) (a answer) {
	for _, e := range entities {
		a.Docs = append(a.Docs, s.docs[e])
		a.Versions = append(a.Versions, s.versions[e]+1) // 0 would be no version
	}
	return a
}

func (s *server) wrongLocked(format string, args ...any) {
	s.wrong = append(s.wrong, fmt.Sprintf(format, args...))
}
