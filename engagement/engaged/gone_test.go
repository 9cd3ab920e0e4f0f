package engaged_test

import (
	"bufio"
	"flag"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/optimist-go/optimist/engagement/wire"
	"github.com/optimist-go/optimist/server/pgcluster"
	"github.com/optimist-go/optimist/server/pgtest"
)

var chaosDown = flag.Duration("chaos.down", 2*time.Second, "how long the database stays away in TestDatabaseIsAway")

// TestDatabaseIsAway ends the database under three servers while people write, and brings
// it back after a while. Meanwhile everything is refused with 503 and Retry-After, but
// for operations that were under way, whose outcome is unknown (504), and the streams, which wait. Afterwards reading, writing and those same streams go on.
func TestDatabaseIsAway(t *testing.T) {
	cluster := pgtest.Cluster(t)
	database := pgtest.On(t, cluster)
	var urls []string
	for range 3 {
		urls = append(urls, spawn(t, database).url)
	}
	w := &writing{posts: make([]string, 2), writers: 8, each: 40, url: func(attempt int) string { return urls[attempt%len(urls)] }}
	w.begin(t)
	var told []<-chan wire.Truth
	for _, url := range urls {
		told = append(told, truths(t, url))
	}
	w.reach(t, 200)
	if err := cluster.Stop(pgcluster.Immediate); err != nil {
		t.Fatal(err)
	}
	before := w.acknowledged.Load()
	if most := int64(w.writers * w.each); before == most {
		t.Errorf("all %d operations were over before the database was away", most)
	}
	reader := newBrowser(t)
	for back, n := time.Now().Add(*chaosDown), 0; n < len(urls) || time.Now().Before(back); n++ {
		for _, path := range []string{"/v1/posts", "/v1/posts/" + w.posts[0], "/v1/events?after=" + wire.Position{Era: 1, Number: 1}.String()} {
			refused(t, reader, urls[n%len(urls)]+path)
		}
	}
	if n := w.acknowledged.Load(); n != before {
		t.Errorf("%d operations were acknowledged without a database", n-before)
	}
	if err := cluster.Start(); err != nil {
		t.Fatal(err)
	}
	w.wait.Wait()
	w.check(t, database)
	for n, truth := range told {
		w.tellsAll(t, urls[n], truth)
	}
	for _, url := range urls {
		if status, data := send(t, reader, "GET", url+"/v1/posts/"+w.posts[0], "", ""); status != 200 {
			t.Errorf("reading afterwards: %d %s", status, data)
		}
	}
}

// refused sees that a request is refused for now.
func refused(t *testing.T, browser *http.Client, url string) {
	t.Helper()
	res, err := browser.Get(url)
	if err != nil {
		t.Errorf("without a database: %v", err)
		return
	}
	defer res.Body.Close()
	wait, err := strconv.Atoi(res.Header.Get("Retry-After"))
	if res.StatusCode != http.StatusServiceUnavailable || err != nil || wait < 1 {
		t.Errorf("without a database %s is answered with %d, Retry-After %q", url, res.StatusCode, res.Header.Get("Retry-After"))
	}
}

// truths receives the truths of one stream of the server. It is closed when the stream
// ends.
func truths(t *testing.T, url string) <-chan wire.Truth {
	t.Helper()
	res, err := (&http.Client{Transport: &http.Transport{}}).Get(url + "/v1/events")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { res.Body.Close() })
	if res.StatusCode != http.StatusOK {
		t.Fatalf("a stream is refused with %d", res.StatusCode)
	}
	told := make(chan wire.Truth, 1<<16)
	go func() {
		defer close(told)
		event := ""
		for lines := bufio.NewScanner(res.Body); lines.Scan(); {
			name, value, _ := strings.Cut(lines.Text(), ": ")
			if name == "event" {
				event = value
			}
			if name != "data" || event != wire.EventTruth {
				continue
			}
			if truth, err := wire.DecodeTruth([]byte(value)); err == nil {
				told <- truth
			}
		}
	}()
	return told
}

// tellsAll sees that a stream comes to the last version of every post.
func (w *writing) tellsAll(t *testing.T, url string, told <-chan wire.Truth) {
	t.Helper()
	missing := make(map[string]uint64)
	for n, post := range w.posts {
		missing[post] = w.version(n)
	}
	for late := time.After(patience); len(missing) > 0; {
		select {
		case truth, ok := <-told:
			if !ok {
				t.Errorf("a stream of %s has ended, and has still to tell of %v", url, missing)
				return
			}
			if truth.Version >= missing[truth.ID] {
				delete(missing, truth.ID)
			}
		case <-late:
			t.Errorf("a stream of %s does not tell of %v", url, missing)
			return
		}
	}
}
