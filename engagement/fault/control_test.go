package fault_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/optimist-go/optimist/engagement/fault"
)

func (w *world) control(method, scope, body string, header ...string) (int, fault.State) {
	w.tb.Helper()
	req, err := http.NewRequest(method, w.server.URL+"/demo/network", strings.NewReader(body))
	if err != nil {
		w.tb.Fatal(err)
	}
	req.Header.Set("X-Scope", scope)
	req.Header.Set("Content-Type", "application/json")
	if len(header) == 2 {
		req.Header.Set(header[0], header[1])
	}
	res, err := w.client.Do(req)
	if err != nil {
		w.tb.Fatal(err)
	}
	defer res.Body.Close()
	var state fault.State
	if res.StatusCode == http.StatusOK {
		if err := json.NewDecoder(res.Body).Decode(&state); err != nil {
			w.tb.Fatal(err)
		}
	}
	return res.StatusCode, state
}

func TestControl(t *testing.T) {
	w := newWorld(t)
	status, state := w.control("GET", "ada", "")
	w.expect("status", status, 200)
	w.expect("profile", state.Profile, "clean")
	w.expect("scope", state.Scope, "everybody")
	if len(state.Profiles) < 6 {
		t.Fatalf("profiles: %+v", state.Profiles)
	}
	_, state = w.control("PUT", "ada", `{"profile":"lossy"}`)
	w.expect("profile", state.Profile, "lossy")
	w.expect("scope", state.Scope, "session")
	_, state = w.control("GET", "bob", "")
	w.expect("bob's", state.Profile, "clean")
	w.set(fault.Everybody, fault.Rule{ServerError: 1})
	_, state = w.control("GET", "bob", "")
	w.expect("everybody's", state.Profile, "custom")
	got, _, _, _ := w.put("carl")
	w.expect("carl's request fails", got >= 500, true)
	_, state = w.control("PUT", "ada", `{"profile":"offline"}`)
	w.expect("rule", state.Rule.Offline, true)
	_, state = w.control("PUT", "ada", `{}`) // the control itself is never offline
	w.expect("ada has none of her own", state.Profile, "custom")
	_, state = w.control("PUT", "ada", `{"scope":"session","profile":"slow"}`)
	w.expect("ada's, by its name", state.Profile, "slow")
	_, state = w.control("GET", "bob", "")
	w.expect("everybody's as before", state.Profile, "custom")
}

func TestControlRefuses(t *testing.T) {
	w := newWorld(t)
	for body, want := range map[string]int{
		``:                          400,
		`[]`:                        400,
		`null`:                      400,
		`"lossy"`:                   400,
		`{"profile":"lossy"}x`:      400,
		`{"profile":"lossy"`:        400,
		`{"Profile":"lossy"}`:       400,
		`{"profile":null}`:          400,
		`{"profile":["lossy"]}`:     400,
		`{"profile":1}`:             400,
		`{"rule":null}`:             400,
		`{"rule":{"explode":true}}`: 400,
		`{"rule":{"offline":null}}`: 400,
		`{"rule":{"Offline":true}}`: 400,
		`{"rule":{"offline":false,"offline":true}}`:  400,
		`{"rule":{"profile":"lossy"}}`:               400,
		`{"profile":"clean","profile":"lossy"}`:      400,
		`{"scope":"session","SCOPE":"everybody"}`:    400,
		"{\"profile\":\"\xff\"}":                     400,
		strings.Repeat("[", 2000):                    400,
		`{"rule":` + strings.Repeat(`{"rule":`, 400): 400,
		`{"profile":"unheard-of"}`:                   422,
		`{"profile":"\ud800"}`:                       422,
		`{"profile":"lossy","rule":{}}`:              422,
		`{"scope":"ada","profile":"lossy"}`:          422,
		`{"scope":"everybody","profile":"lossy"}`:    422,
		`{"rule":{"loseRequest":1.5}}`:               422,
		`{"rule":{"loseAnswer":-0.1}}`:               422,
		`{"rule":{"latencyMs":-1}}`:                  422,
		`{"rule":{"latencyMs":600000}}`:              422,
		`{"x":"` + strings.Repeat("x", 5000) + `"}`:  413,
	} {
		if status, _ := w.control("PUT", "ada", body); status != want {
			t.Errorf("%.60s: status %d, want %d", body, status, want)
		}
	}
	status, _ := w.control("PUT", "", `{"profile":"offline"}`)
	w.expect("a session's without a session", status, 401)
	status, _ = w.control("PUT", "", `{"profile":"offline","scope":"everybody"}`)
	w.expect("everybody's without a session", status, 401)
	status, _ = w.control("PUT", "ada", `{"profile":"offline"}`, "Content-Type", "text/plain")
	w.expect("as text", status, 415)
	status, _ = w.control("PUT", "ada", `{"profile":"offline"}`, "Sec-Fetch-Site", "cross-site")
	w.expect("from another site", status, 403)
	status, _ = w.control("POST", "ada", `{}`)
	w.expect("method", status, 405)
	if _, state := w.control("GET", "ada", ""); state.Profile != "clean" {
		t.Errorf("a refusal set %q", state.Profile)
	}
}

func FuzzDecodeWish(f *testing.F) {
	f.Add([]byte(`{"profile":"lossy"}`))
	f.Add([]byte(`{"scope":"session","rule":{"loseRequest":0.5,"latencyMs":10}}`))
	f.Add([]byte(`{"rule":{"loseRequest":1e999}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		wish, err := fault.DecodeWish(data)
		if err != nil {
			return
		}
		if wish.Rule != nil && fault.Validate(*wish.Rule) != nil {
			t.Fatalf("%s: a rule out of bounds was taken", data)
		}
	})
}

func TestProfilesAreValid(t *testing.T) {
	for _, p := range fault.Profiles() {
		if err := fault.Validate(p.Rule); err != nil {
			t.Errorf("%s: %v", p.Name, err)
		}
		if found, ok := fault.FindProfile(p.Name); !ok || found != p {
			t.Errorf("%s is not found by its name", p.Name)
		}
	}
}
