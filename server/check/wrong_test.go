package check_test

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/optimist-go/optimist/server/check"
)

// flaw is one thing that a server does wrong; the empty one is none.
type flaw string

const (
	takesNobody       flaw = "takes operations of nobody"
	toggles           flaw = "toggles"
	ignoresKeys       flaw = "ignores keys"
	answersAnew       flaw = "answers a repeated request anew"
	forgetsPayloads   flaw = "forgets payloads"
	looksBeforeItLock flaw = "looks for the key before it locks"
	keepsRefusals     flaw = "keeps refusals"
	keysInMemory      flaw = "keeps keys in memory"
	keysAfterEffects  flaw = "keeps the key after the effect"
	versionsStall     flaw = "versions stall"
	versionsIdle      flaw = "versions grow with nothing"
	versionsCount     flaw = "versions are counts"
	staleAnswers      flaw = "answers with truth of before"
	noKeysInTruth     flaw = "truth does not contain keys"
	bareConflicts     flaw = "conflicts without truth"
	oddConflicts      flaw = "conflicts are 400"
	arrivalWins       flaw = "the last to arrive wins"
	readsPastHoles    flaw = "the feed is read past holes"
	noResume          flaw = "streams do not go on"
	noGap             flaw = "streams go on after anything"
	noPositions       flaw = "events without ids"
	unordered         flaw = "the feed is not in order"
	breaksOnBadInput  flaw = "500 on bad input"
	plainErrors       flaw = "errors without problem+json"
	takesNoKey        flaw = "takes operations without a key"
	silentlyBusy      flaw = "503 without Retry-After"
)

// shop is a small server that does everything right but for its flaw.
type shop struct {
	flaw flaw

	// mu guards the fields below it.
	mu      sync.Mutex
	things  map[string]*thing
	keys    map[string]kept
	inHand  map[string]*sync.Mutex // by key
	looked  map[string]int         // by key: who looked for it and did not find it
	feed    []entry                // by position
	next    int
	readTo  int // the last position that a stream was told
	waking  chan struct{}
	reads   int // since the last operation
	crash   int // how often it was killed
	between int // operations that have had their effect and not kept their key
}

type thing struct {
	version int
	marks   map[string]bool
	stamps  map[string]int64
	notes   int
	keys    []string
}

type kept struct {
	payload string
	status  int
	already bool
	thing   string
}

type entry struct {
	position, version int
	thing             string
}

func newShop(f flaw) *shop {
	return &shop{flaw: f, things: make(map[string]*thing), keys: make(map[string]kept), inHand: make(map[string]*sync.Mutex),
		looked: make(map[string]int), next: 1, waking: make(chan struct{})}
}

func (s *shop) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /things", s.operate)
	mux.HandleFunc("PUT /things/{thing}/mark", s.operate)
	mux.HandleFunc("POST /things/{thing}/notes", s.operate)
	mux.HandleFunc("GET /things/{thing}", s.show)
	mux.HandleFunc("GET /events", s.events)
	return mux
}

// target is the shop as the checks see it.
func (s *shop) target(t *testing.T) check.Target {
	server := httptest.NewServer(s.handler())
	t.Cleanup(server.Close)
	profile, err := check.DecodeProfile([]byte(`{
		"name": "shop",
		"create": {"method": "POST", "path": "/things", "header": {"User": "{user}"}, "body": {"id": "{entity}", "at": "{stampNumber}"}},
		"on": {"method": "PUT", "path": "/things/{entity}/mark", "header": {"User": "{user}"}, "body": {"on": true, "at": "{stampNumber}"}},
		"off": {"method": "PUT", "path": "/things/{entity}/mark", "header": {"User": "{user}"}, "body": {"on": false, "at": "{stampNumber}"}},
		"add": {"method": "POST", "path": "/things/{entity}/notes", "header": {"User": "{user}"}, "body": {"text": "{text}"}},
		"read": {"method": "GET", "path": "/things/{entity}", "header": {"User": "{user}"}},
		"stamp": "milliseconds",
		"answer": {"truth": "/truth", "already": "/already", "conflict": "/truth"},
		"truth": {"id": "/id", "version": "/version", "on": "/on", "count": "/marks", "added": "/notes", "contains": "/keys"},
		"feed": {"method": "GET", "path": "/events", "header": {"User": "{user}"}, "after": "after", "hello": "hello", "change": "truth", "reset": "reset"}
	}`))
	if err != nil {
		t.Fatal(err)
	}
	return check.Target{URL: server.URL, Profile: profile, Hurry: 60, Patience: 2 * time.Second,
		Restart: func(ctx context) error { s.kill(); return nil }}
}

// kill drops the state that a process keeps in memory.
func (s *shop) kill() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.flaw == keysAfterEffects { // the moment that matters
		s.unlocked(func() bool { return s.between > 0 })
	}
	s.crash++
	if s.flaw == keysInMemory {
		clear(s.keys)
	}
}

func refuse(w http.ResponseWriter, status int, more map[string]any) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	problem := map[string]any{"type": "about:blank", "title": http.StatusText(status), "status": status}
	maps.Copy(problem, more)
	json.NewEncoder(w).Encode(problem)
}

// payload of an operation, as it came.
type payload struct {
	ID   string
	On   bool
	Text string
	At   int64
}

// admit reads the operation, or refuses it.
func (s *shop) admit(w http.ResponseWriter, r *http.Request) (user, key string, body []byte, p payload, ok bool) {
	user, key = r.Header.Get("User"), r.Header.Get("Idempotency-Key")
	if user == "" && s.flaw != takesNobody {
		refuse(w, http.StatusUnauthorized, nil)
		return
	}
	if key == "" && s.flaw == takesNoKey {
		key = fmt.Sprint("none ", time.Now().UnixNano())
	} else if key == "" || len(key) > 128 || strings.Contains(key, " ") {
		refuse(w, http.StatusBadRequest, nil)
		return
	}
	if r.Header.Get("Content-Type") != "application/json" {
		refuse(w, http.StatusUnsupportedMediaType, nil)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 64<<10))
	if err != nil {
		refuse(w, http.StatusRequestEntityTooLarge, nil)
		return
	}
	if err := json.Unmarshal(body, &p); err != nil || strings.ContainsRune(string(body), '\ufffd') || !json.Valid(body) || strings.Contains(string(body), "\xff") {
		switch s.flaw {
		case breaksOnBadInput:
			refuse(w, http.StatusInternalServerError, nil)
		case plainErrors:
			http.Error(w, "bad", http.StatusBadRequest)
		default:
			refuse(w, http.StatusBadRequest, nil)
		}
		return
	}
	return user, key, body, p, true
}

func (s *shop) operate(w http.ResponseWriter, r *http.Request) {
	user, key, body, p, ok := s.admit(w, r)
	if !ok {
		return
	}
	name := user + " " + key
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reads = 0
	begun := s.crash
	if s.flaw != looksBeforeItLock {
		if s.inHand[name] == nil {
			s.inHand[name] = new(sync.Mutex)
		}
		mine := s.inHand[name]
		s.mu.Unlock()
		mine.Lock()
		defer mine.Unlock()
		s.mu.Lock()
	}
	said := r.Method + r.URL.Path + string(body)
	if k, found := s.keys[name]; found && s.flaw != ignoresKeys {
		switch {
		case k.payload != said && s.flaw != forgetsPayloads:
			refuse(w, http.StatusUnprocessableEntity, nil)
		case k.status == http.StatusNotFound:
			refuse(w, k.status, nil)
		default:
			s.answer(w, k.status, k.thing, user, k.already || s.flaw == answersAnew, nil)
		}
		return
	}
	if s.flaw == looksBeforeItLock {
		s.looked[name]++
		s.unlocked(func() bool { return s.looked[name] > 1 })
	}
	k := kept{payload: said, status: http.StatusOK, thing: r.PathValue("thing")}
	before := s.truth(k.thing, user)
	refused := s.carry(r, user, key, p, &k)
	if refused != nil {
		if s.flaw == keepsRefusals && k.status == http.StatusNotFound {
			s.keys[name] = k
		}
		refuse(w, k.status, refused)
		return
	}
	if s.flaw == keysAfterEffects {
		s.between++
		s.unlocked(func() bool { return s.crash > begun })
		s.between--
		if s.crash > begun {
			panic(http.ErrAbortHandler)
		}
	}
	s.keys[name] = k
	if s.crash > begun {
		panic(http.ErrAbortHandler) // it was killed before it could answer
	}
	s.answer(w, k.status, k.thing, user, k.already, before)
}

// unlocked lets others work until something is so, or a moment has passed.
func (s *shop) unlocked(until func() bool) {
	for range 50 {
		if until() {
			return
		}
		s.mu.Unlock()
		time.Sleep(time.Millisecond)
		s.mu.Lock()
	}
}

// carry carries out the operation, or returns the body of its refusal.
func (s *shop) carry(r *http.Request, user, key string, p payload, k *kept) (refused map[string]any) {
	if k.thing == "" {
		k.thing, k.status = p.ID, http.StatusCreated
		s.things[p.ID] = &thing{marks: make(map[string]bool), stamps: make(map[string]int64)}
		s.changed(p.ID, user, key)
		return nil
	}
	it := s.things[k.thing]
	if it == nil {
		k.status = http.StatusNotFound
		return map[string]any{}
	}
	if strings.HasSuffix(r.URL.Path, "/notes") {
		it.notes++
		s.changed(k.thing, user, key)
		return nil
	}
	if p.At < it.stamps[user] && s.flaw != arrivalWins && p.On != it.marks[user] {
		k.status = http.StatusConflict
		if s.flaw == oddConflicts {
			k.status = http.StatusBadRequest
		}
		if s.flaw == bareConflicts {
			return map[string]any{}
		}
		return map[string]any{"truth": s.truth(k.thing, user)}
	}
	it.stamps[user] = max(it.stamps[user], p.At)
	if p.On == it.marks[user] {
		if s.flaw != toggles {
			k.already = true
			it.keys = append(it.keys, key)
			if s.flaw == versionsIdle {
				it.version++
			}
			return nil
		}
		p.On = !p.On
	}
	if it.marks[user] = p.On; !p.On {
		delete(it.marks, user)
		if s.flaw == versionsStall {
			it.keys = append(it.keys, key)
			return nil
		}
	}
	s.changed(k.thing, user, key)
	return nil
}

// changed counts the version and writes the feed.
func (s *shop) changed(id, user, key string) {
	it := s.things[id]
	it.version++
	if s.flaw == versionsCount {
		it.version = 1 + len(it.marks) + it.notes
	}
	it.keys = append(it.keys, key)
	e := entry{s.next, it.version, id}
	s.next++
	if s.flaw == readsPastHoles && e.position%2 == 1 { // it commits after the one that follows
		s.unlocked(func() bool { return s.readTo > e.position })
	}
	s.feed = append(s.feed, e)
	slices.SortFunc(s.feed, func(a, b entry) int { return a.position - b.position })
	close(s.waking)
	s.waking = make(chan struct{})
}

func (s *shop) truth(id, user string) map[string]any {
	it := s.things[id]
	if it == nil {
		return nil
	}
	truth := map[string]any{"id": id, "version": it.version, "on": it.marks[user], "marks": len(it.marks), "notes": it.notes,
		"keys": slices.Clone(it.keys)}
	if s.flaw == noKeysInTruth {
		delete(truth, "keys")
	}
	return truth
}

func (s *shop) answer(w http.ResponseWriter, status int, id, user string, already bool, before map[string]any) {
	truth := s.truth(id, user)
	if s.flaw == staleAnswers && before != nil {
		truth = before
	}
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(map[string]any{"truth": truth, "already": already})
}

func (s *shop) show(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	truth := s.truth(r.PathValue("thing"), r.Header.Get("User"))
	switch s.reads++; {
	case s.reads > 30:
		s.reads = 0
		if s.flaw != silentlyBusy {
			w.Header().Set("Retry-After", "1")
		}
		refuse(w, http.StatusServiceUnavailable, nil)
	case truth == nil:
		refuse(w, http.StatusNotFound, nil)
	default:
		json.NewEncoder(w).Encode(truth)
	}
}

func (s *shop) events(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	last, first := s.next-1, "hello"
	for _, text := range []string{r.Header.Get("Last-Event-ID"), r.URL.Query().Get("after")} {
		if text == "" {
			continue
		}
		after, err := strconv.Atoi(text)
		switch {
		case s.flaw == noGap && (err != nil || after > last):
		case err != nil:
			refuse(w, http.StatusBadRequest, nil)
			return
		case after > last:
			first = "reset"
		case s.flaw != noResume:
			last = after
		}
		break
	}
	w.Header().Set("Content-Type", "text/event-stream")
	send := func(name string, id int, data any) {
		text, _ := json.Marshal(data)
		if s.flaw != noPositions {
			fmt.Fprintf(w, "id: %d\n", id)
		}
		fmt.Fprintf(w, "event: %s\ndata: %s\n\n", name, text)
		w.(http.Flusher).Flush()
	}
	send(first, last, struct{}{})
	for r.Context().Err() == nil {
		var batch []entry
		for _, e := range s.feed {
			if e.position > last {
				batch = append(batch, e)
			}
		}
		if len(batch) > 0 {
			last = batch[len(batch)-1].position
			s.readTo = max(s.readTo, last)
		}
		if s.flaw == unordered {
			slices.Reverse(batch)
		}
		for _, e := range batch {
			send("truth", e.position, map[string]any{"id": e.thing, "version": e.version})
		}
		wake := s.waking
		s.mu.Unlock()
		select {
		case <-wake:
		case <-r.Context().Done():
		}
		s.mu.Lock()
	}
}
