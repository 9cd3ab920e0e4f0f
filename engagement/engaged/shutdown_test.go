package engaged_test

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/optimist-go/optimist/engagement"
	"github.com/optimist-go/optimist/engagement/engaged"
	"github.com/optimist-go/optimist/engagement/engagedtest"
	"github.com/optimist-go/optimist/engagement/sqlstore"
)

func dial(t *testing.T, m *engaged.Main) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(m.URL(), "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(patience))
	return conn
}

// closeSoon closes the server and fails when that takes longer than people wait.
func closeSoon(t *testing.T, m *engaged.Main) {
	t.Helper()
	began := time.Now()
	if err := m.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("close took %v", took)
	}
}

// TestCloseFinishesRequests has a sign-in under way whose body comes in two halves,
// the second when the server is already closing.
func TestCloseFinishesRequests(t *testing.T) {
	m := engagedtest.Start(t, "-demo=false")
	conn := dial(t, m)
	const body = `{"name":"ada"}`
	fmt.Fprintf(conn, "POST /v1/session HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n", len(body))
	answers := bufio.NewReader(conn)
	if line, err := answers.ReadString('\n'); err != nil || !strings.HasPrefix(line, "HTTP/1.1 100 ") {
		t.Fatalf("%q, %v", line, err)
	}
	answers.ReadString('\n') // the empty line
	fmt.Fprint(conn, body[:5])

	closed := make(chan error)
	go func() { closed <- m.Close() }()
	for deadline := time.Now().Add(patience); ; {
		other, err := net.Dial("tcp", strings.TrimPrefix(m.URL(), "http://"))
		if err != nil {
			break // nothing new is taken: it is closing
		}
		other.Close()
		if time.Now().After(deadline) {
			t.Fatal("the server does not close")
		}
	}
	fmt.Fprint(conn, body[5:])
	res, err := http.ReadResponse(answers, nil)
	if err != nil {
		t.Fatalf("the request was broken off: %v", err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusOK {
		t.Errorf("status %d", res.StatusCode)
	}
	if err := <-closed; err != nil {
		t.Errorf("close: %v", err)
	}
}

func TestCloseEndsStreams(t *testing.T) {
	m := engagedtest.Start(t, "-demo=false")
	res, err := newBrowser(t).Get(m.URL() + "/v1/events")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if line, err := bufio.NewReader(res.Body).ReadString('\n'); err != nil || !strings.HasPrefix(line, "retry: ") {
		t.Fatalf("%q, %v", line, err)
	}
	closeSoon(t, m)
}

func TestCloseDoesNotWaitForSilentConnections(t *testing.T) {
	m := engagedtest.Start(t, "-demo=false")
	dial(t, m)
	if status, _ := send(t, newBrowser(t), "GET", m.URL()+"/healthz", "", ""); status != 200 { // accepted after it
		t.Fatal(status)
	}
	closeSoon(t, m)
}

// TestUpkeepKeepsWhatIsPromised starts a server on a database with two operations,
// one of seven days ago, which must still be known, and one of nine.
func TestUpkeepKeepsWhatIsPromised(t *testing.T) {
	const day = 24 * time.Hour
	file := t.TempDir() + "/engaged.db"
	post := engagement.NewID()
	op := func(key string, kind engagement.Kind) engagement.Operation {
		return engagement.Operation{Key: key, User: "ada", Kind: kind, Post: post, Text: "hello",
			Stamp: engagement.Stamp{At: 1 << 40, Client: "phone"}}
	}
	applyAt(t, file, time.Now().Add(-9*day), op("old", engagement.CreatePost))
	applyAt(t, file, time.Now().Add(-7*day), op("recent", engagement.LikePost))

	m := engagedtest.Start(t, "-demo=false", "-db", file)
	for deadline := time.Now().Add(patience); ; {
		truth, err := m.Store().Truth(t.Context(), post, "ada")
		if err != nil || time.Now().After(deadline) {
			t.Fatalf("the old one is not forgotten: %v, %v", truth.Contains, err)
		}
		if len(truth.Contains) < 2 {
			break
		}
	}
	applied, err := m.Store().Apply(t.Context(), op("recent", engagement.LikePost))
	if err != nil || !applied.Replayed {
		t.Errorf("the recent one is forgotten: %+v, %v", applied, err)
	}
}

func applyAt(t *testing.T, file string, now time.Time, op engagement.Operation) {
	t.Helper()
	store, err := sqlstore.Open(t.Context(), file, sqlstore.Options{Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if _, err := store.Apply(t.Context(), op); err != nil {
		t.Fatal(err)
	}
}
