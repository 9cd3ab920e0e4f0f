package engagement

import (
	"strings"
	"testing"
)

func newSeal(t testing.TB, fill string) SessionSeal {
	t.Helper()
	seal, err := NewSessionSeal([]byte(strings.Repeat(fill, SecretSize)))
	if err != nil {
		t.Fatal(err)
	}
	return seal
}

func TestSessionTokens(t *testing.T) {
	seal := newSeal(t, "a")
	session := Session{ID: NewID(), User: "ada", ExpiresAt: 1000}
	token := seal.Token(session)
	if got, err := seal.Open(token, 999); err != nil || got != session {
		t.Fatalf("got %+v, %v", got, err)
	}
	if _, err := seal.Open(token, 1000); ErrorCode(err) != Unauthenticated {
		t.Fatalf("expired: %v", err)
	}
	if _, err := newSeal(t, "b").Open(token, 1); ErrorCode(err) != Unauthenticated {
		t.Fatalf("of another server: %v", err)
	}
	for i := range len(token) {
		for _, c := range "AQ.x" {
			forged := token[:i] + string(c) + token[i+1:]
			if forged == token {
				continue
			}
			if s, err := seal.Open(forged, 1); err == nil {
				t.Fatalf("byte %d changed to %c: accepted as %+v", i, c, s)
			}
		}
	}
	if _, err := NewSessionSeal([]byte("short")); err == nil {
		t.Fatal("a short secret was taken")
	}
}

func FuzzSessionOpen(f *testing.F) {
	seal := newSeal(f, "a")
	f.Add(seal.Token(Session{ID: "s", User: "ada", ExpiresAt: 1 << 50}))
	f.Add(newSeal(f, "b").Token(Session{ID: "s", User: "ada", ExpiresAt: 1 << 50}))
	f.Add("MSBzIGFkYSAx.")
	f.Add(".")
	f.Fuzz(func(t *testing.T, token string) {
		session, err := seal.Open(token, 1)
		if err == nil && seal.Token(session) != token {
			t.Fatalf("%q was taken for the token of %+v", token, session)
		}
	})
}

func TestNewIDsAreOrdered(t *testing.T) {
	last := ""
	for range 10000 {
		id := NewID()
		if id <= last {
			t.Fatalf("%s after %s", id, last)
		}
		if id[14] != '7' || !strings.ContainsRune("89ab", rune(id[19])) || len(id) != 36 {
			t.Fatalf("%s is not a UUID of version 7", id)
		}
		last = id
	}
}
