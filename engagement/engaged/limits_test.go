package engaged_test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/optimist-go/optimist/engagement/engaged"
	"github.com/optimist-go/optimist/engagement/engagedtest"
	"github.com/optimist-go/optimist/engagement/wire"
	"github.com/optimist-go/optimist/server/pgcluster"
	"github.com/optimist-go/optimist/server/pgtest"
)

// few leaves next to no more requests than come at once.
func few(burst int) []string {
	return []string{"-demo=false", "-rate", "0.001", "-burst", strconv.Itoa(burst)}
}

// untilRefused asks the servers by turns until each of them says that it is too much, and
// returns how often they let the request through, with that status.
func untilRefused(t *testing.T, status int, turns ...func() (int, []byte)) (through int) {
	t.Helper()
	refused := 0
	for turn := 0; refused < len(turns); turn++ {
		got, data := turns[turn%len(turns)]()
		switch {
		case got == status:
			through, refused = through+1, 0
		case got == http.StatusTooManyRequests && strings.Contains(string(data), wire.ProblemRate):
			refused++
		default:
			t.Fatalf("after %d that were let through: %d %s", through, got, data)
		}
	}
	return through
}

// TestLimitsHoldForAllServers: who asks two servers by turns gets about as much as of one,
// not twice.
func TestLimitsHoldForAllServers(t *testing.T) {
	const burst = 400
	one, other := startTwo(t, few(burst)...)
	here, there := signInAtBoth(t, one, other)
	stranger := newBrowser(t)
	for _, row := range []struct {
		name        string
		here, there *http.Client
		alone       int // one server lets through
		method      string
		path        string
		body        string
	}{
		{"a session", here, there, burst, "GET", "/v1/session", ""},
		{"without a session", stranger, stranger, 2 * burst, "GET", "/v1/posts", ""},
		{"signing in", stranger, stranger, burst - 1, "POST", "/v1/session", `{"name":"zoe"}`},
	} {
		through := untilRefused(t, http.StatusOK,
			func() (int, []byte) { return send(t, row.here, row.method, one.URL()+row.path, row.body, "") },
			func() (int, []byte) { return send(t, row.there, row.method, other.URL()+row.path, row.body, "") })
		t.Logf("%s: %d, of one server %d", row.name, through, row.alone)
		if through < row.alone || through > row.alone*3/2 {
			t.Errorf("%s: two servers let %d through, one alone %d", row.name, through, row.alone)
		}
	}
}

// TestLimitsOutliveTheDatabase: without it each server limits by itself, nothing is broken,
// and afterwards they limit together again.
func TestLimitsOutliveTheDatabase(t *testing.T) {
	const burst = 60
	cluster := pgtest.Cluster(t)
	args := append([]string{"-db", pgtest.On(t, cluster)}, few(burst)...)
	one, other := engagedtest.Start(t, args...), engagedtest.Start(t, args...)
	here, there := signInAtBoth(t, one, other)
	ask := func(m *engaged.Main, browser *http.Client) func() (int, []byte) {
		return func() (int, []byte) { return send(t, browser, "GET", m.URL()+"/v1/session", "", "") }
	}
	if err := cluster.Stop(pgcluster.Immediate); err != nil {
		t.Fatal(err)
	}
	for _, turn := range []func() (int, []byte){ask(one, here), ask(other, there)} {
		if n := untilRefused(t, http.StatusServiceUnavailable, turn); n != burst {
			t.Errorf("without a database one server has let %d through, want %d", n, burst)
		}
	}
	if err := cluster.Start(); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(patience); ; {
		if status, _ := send(t, newBrowser(t), "GET", one.URL()+"/readyz", "", ""); status == http.StatusOK {
			if status, _ := send(t, newBrowser(t), "GET", other.URL()+"/readyz", "", ""); status == http.StatusOK {
				break
			}
		}
		if time.Now().After(deadline) {
			t.Fatal("the servers do not find the database again")
		}
	}
	for deadline := time.Now().Add(patience); ; { // they try once a second to tell each other
		here, there := signInAtBoth(t, one, other)
		if n := untilRefused(t, http.StatusOK, ask(one, here), ask(other, there)); n <= burst*3/2 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the servers do not limit together any more")
		}
	}
}
