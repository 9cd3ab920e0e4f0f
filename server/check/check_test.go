package check_test

import (
	gocontext "context"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/optimist-go/optimist/server/check"
	"github.com/optimist-go/optimist/server/checktest"
)

type context = gocontext.Context

func TestAServerWithoutAFlawPasses(t *testing.T) {
	t.Parallel()
	checktest.Run(t, newShop("").target(t))
}

func TestAFlawFailsItsOwnLines(t *testing.T) {
	t.Parallel()
	for f, want := range map[flaw][]string{
		takesNobody:       {"session"},
		toggles:           {"wanted-state"},
		ignoresKeys:       {"key-same", "key-other", "key-race", "key-crash"},
		answersAnew:       {"key-same"},
		forgetsPayloads:   {"key-other"},
		looksBeforeItLock: {"key-race"},
		keepsRefusals:     {"key-free"},
		keysInMemory:      {"key-crash"},
		keysAfterEffects:  {"key-crash"},
		versionsStall:     {"versions"},
		versionsIdle:      {"versions"},
		versionsCount:     {"versions", "answer-truth"},
		staleAnswers:      {"answer-truth"},
		noKeysInTruth:     {"answer-truth"},
		bareConflicts:     {"conflict-truth"},
		oddConflicts:      {"conflict-truth"},
		arrivalWins:       {"older-stamp"},
		readsPastHoles:    {"feed-live"},
		noResume:          {"feed-resume"},
		noGap:             {"feed-gap"},
		noPositions:       {"feed-resume", "feed-gap", "feed-order"},
		unordered:         {"feed-order"},
		breaksOnBadInput:  {"bad-requests"},
		plainErrors:       {"bad-requests"},
		takesNoKey:        {"bad-requests"},
		silentlyBusy:      {"retry-after"},
	} {
		t.Run(string(f), func(t *testing.T) {
			t.Parallel()
			report := check.Run(t.Context(), newShop(f).target(t))
			var failed []string
			for _, line := range report.Lines {
				if line.Verdict == check.Fail {
					failed = append(failed, line.Name)
				}
			}
			if !slices.Equal(failed, want) {
				t.Errorf("it fails %q, and should fail %q:\n%s", failed, want, report)
			}
		})
	}
}

func TestTwoProcessesOfOneServer(t *testing.T) {
	t.Parallel()
	one := newShop("")
	target := one.target(t)
	target.Also = one.target(t).URL
	if line := lineOf(t, check.Run(t.Context(), target), "other-process"); line.Verdict != check.Pass {
		t.Errorf("two that share everything: %+v", line)
	}
	target = one.target(t)
	target.Also = newShop("").target(t).URL
	if line := lineOf(t, check.Run(t.Context(), target), "other-process"); line.Verdict != check.Fail {
		t.Errorf("two that share nothing: %+v", line)
	}
}

func lineOf(t *testing.T, report check.Report, name string) check.Line {
	t.Helper()
	for _, line := range report.Lines {
		if line.Name == name {
			return line
		}
	}
	t.Fatalf("there is no line %q:\n%s", name, report)
	return check.Line{}
}

func TestNobodyElseIsContacted(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	defer other.Close()
	elsewhere := httptest.NewServer(http.RedirectHandler(other.URL, http.StatusTemporaryRedirect))
	defer elsewhere.Close()
	target := newShop("").target(t)
	target.URL = elsewhere.URL
	report := check.Run(t.Context(), target)
	if asked.Load() > 0 || lineOf(t, report, "profile").Verdict != check.Fail {
		t.Errorf("a redirect was followed %d times:\n%s", asked.Load(), report)
	}
}

func TestAServerThatDoesNotAnswerFailsOneLine(t *testing.T) {
	t.Parallel()
	ctx, cancel := gocontext.WithCancel(t.Context())
	silent := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body) // until then the end of the connection is not seen
		cancel()
		<-r.Context().Done()
	}))
	defer silent.Close()
	target := newShop("").target(t)
	target.URL = silent.URL
	for _, line := range check.Run(ctx, target).Lines {
		if want := line.Name == "profile"; (line.Verdict == check.Fail) != want || line.Verdict == check.Pass {
			t.Errorf("%s: %s", line.Name, line.Verdict)
		}
	}
}

func TestAServerThatIsAlwaysBusyIsLeftAlone(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	busy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		w.Header().Set("Retry-After", "0")
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	defer busy.Close()
	target := newShop("").target(t)
	target.URL = busy.URL
	if report := check.Run(t.Context(), target); !report.Failed() || asked.Load() > 20 {
		t.Errorf("%d requests:\n%s", asked.Load(), report)
	}
}

func TestTheBuiltInProfilesAreGood(t *testing.T) {
	for _, name := range check.Profiles() {
		if p, err := check.BuiltIn(name); err != nil || p.Name != name {
			t.Errorf("%s: %q, %v", name, p.Name, err)
		}
	}
	if _, err := check.BuiltIn("none"); err == nil {
		t.Error("a profile that is not there is found")
	}
}

func TestBadProfilesAreErrors(t *testing.T) {
	const good = `{"name":"x","entities":["e"],"on":{"method":"PUT","path":"/on"},"off":{"method":"PUT","path":"/off"},
		"read":{"method":"GET","path":"/"},"truth":{"id":"/id","version":"/version","on":"/on"}}`
	if _, err := check.DecodeProfile([]byte(good)); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string][2]string{
		"unknown field":          {`"name"`, `"naem"`},
		"no entities":            {`"entities":["e"],`, ``},
		"another host as path":   {`"/off"`, `"//example.org/off"`},
		"a URL as path":          {`"/off"`, `"http://example.org/off"`},
		"no method":              {`"GET"`, `""`},
		"pointer without slash":  {`"/version"`, `"version"`},
		"no pointer":             {`"/version"`, `""`},
		"something after it":     {`"on":"/on"}}`, `"on":"/on"}} {}`},
		"unknown form of stamps": {`"name":"x"`, `"name":"x","stamp":"seconds"`},
	} {
		text := strings.Replace(good, change[0], change[1], 1)
		if _, err := check.DecodeProfile([]byte(text)); err == nil {
			t.Errorf("%s is taken: %s", name, text)
		}
	}
}

func TestBadTargetsFail(t *testing.T) {
	for _, url := range []string{"", "localhost:8080", "ftp://localhost", "http://", "http://user@localhost", "http://localhost/path", "http://localhost?q"} {
		target := check.Target{URL: url, Profile: newShop("").target(t).Profile}
		if report := check.Run(t.Context(), target); lineOf(t, report, "profile").Verdict != check.Fail {
			t.Errorf("%q is taken", url)
		}
	}
}
