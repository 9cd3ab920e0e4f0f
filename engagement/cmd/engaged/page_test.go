package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// waiting asks for the page, and returns when the request is in the handler.
func waiting(t *testing.T, p *latePage, writeTimeout time.Duration) (answer chan error, s *httptest.Server) {
	came := make(chan struct{})
	s = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(came)
		p.ServeHTTP(w, r)
	}))
	s.Config.WriteTimeout = writeTimeout
	s.Start()
	answer = make(chan error, 1)
	go func() {
		r, err := http.Get(s.URL)
		if err == nil {
			r.Body.Close()
		}
		answer <- err
	}()
	<-came
	return answer, s
}

// TestPageGivenUp: requests that wait for the page do not hold up the end of the
// server.
func TestPageGivenUp(t *testing.T) {
	p := newLatePage()
	answer, s := waiting(t, p, 0)
	defer s.Close()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := p.build(ctx, nil); err != nil {
		t.Error(err)
	}
	if err := <-answer; err != nil {
		t.Error(err)
	}
}

// TestPageLaterThanAnswers: compiling may take longer than an answer may.
func TestPageLaterThanAnswers(t *testing.T) {
	p := newLatePage()
	answer, s := waiting(t, p, time.Nanosecond)
	defer s.Close()
	p.handler = http.HandlerFunc(nothing)
	close(p.built)
	if err := <-answer; err != nil {
		t.Error(err)
	}
}
