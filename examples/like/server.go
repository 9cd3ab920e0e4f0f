package main

import (
	"encoding/json"
	"net/http"
	"sync"
)

// server is the server of the example: one post, and the keys of the requests that it
// has carried out. It is too busy for the first request, and loses its second answer.
type server struct {
	// mu guards the fields below it.
	mu       sync.Mutex
	post     Post
	seen     map[string]bool // by Idempotency-Key
	requests int
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests++
	if s.requests == 1 {
		http.Error(w, "too busy", http.StatusServiceUnavailable)
		return
	}
	if key := r.Header.Get("Idempotency-Key"); !s.seen[key] {
		s.seen[key] = true
		s.post = setLiked(s.post, "ann", r.Method == http.MethodPut)
		s.post.Version++
	}
	if s.requests == 2 {
		panic(http.ErrAbortHandler) // applied, but the answer is lost
	}
	json.NewEncoder(w).Encode(s.post) // an error means that the client is gone
}
