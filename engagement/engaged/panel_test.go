package engaged_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/optimist-go/optimist/engagement/engagedtest"
	"github.com/optimist-go/optimist/engagement/fault"
	"github.com/optimist-go/optimist/engagement/wire"
)

// TestHostilePanelRequests: no user can make the network of others bad, and a
// refused request changes nothing and is answered with a problem.
func TestHostilePanelRequests(t *testing.T) {
	m := engagedtest.Start(t, "-demo=false", "-faults")
	ada := newBrowser(t)
	send(t, ada, "POST", m.URL()+"/v1/session", `{"name":"ada"}`, "")
	for _, row := range []struct {
		name    string
		method  string
		body    string
		header  string // "Name: value"
		status  int
		problem string
	}{
		{"everybody, without a session", "PUT", `{"scope":"everybody","profile":"offline"}`, "Cookie: x=y", 401, wire.ProblemUnauthenticated},
		{"own, without a session", "PUT", `{"profile":"offline"}`, "Cookie: x=y", 401, wire.ProblemUnauthenticated},
		{"own, with a made-up session", "PUT", `{"profile":"offline"}`, "Cookie: engaged_session=MSBzIGFkYSAxOTk5OTk5OTk5OTk5.AAAA", 401, wire.ProblemUnauthenticated},
		{"everybody", "PUT", `{"scope":"everybody","profile":"offline"}`, "", 422, wire.ProblemInvalid},
		{"everybody by another name", "PUT", `{"scope":"","Scope":"everybody","profile":"offline"}`, "", 400, wire.ProblemMalformed},
		{"field twice", "PUT", `{"profile":"clean","profile":"offline"}`, "", 400, wire.ProblemMalformed},
		{"field in capitals", "PUT", `{"PROFILE":"offline"}`, "", 400, wire.ProblemMalformed},
		{"unknown field", "PUT", `{"profile":"offline","for":"bob"}`, "", 400, wire.ProblemMalformed},
		{"null", "PUT", `{"rule":null}`, "", 400, wire.ProblemMalformed},
		{"no JSON", "PUT", `profile=offline`, "", 400, wire.ProblemMalformed},
		{"likelihood beyond all numbers", "PUT", `{"rule":{"loseRequest":1e999}}`, "", 400, wire.ProblemMalformed},
		{"likelihood above one", "PUT", `{"rule":{"loseRequest":2}}`, "", 422, wire.ProblemInvalid},
		{"wait for ever", "PUT", `{"rule":{"latencyMs":999999999}}`, "", 422, wire.ProblemInvalid},
		{"text", "PUT", `{"profile":"offline"}`, "Content-Type: text/plain", 415, wire.ProblemMediaType},
		{"form", "PUT", `{"profile":"offline"}`, "Content-Type: application/x-www-form-urlencoded", 415, wire.ProblemMediaType},
		{"large", "PUT", `{"profile":"` + strings.Repeat("x", 5000) + `"}`, "", 413, wire.ProblemTooLarge},
		{"another site", "PUT", `{"profile":"offline"}`, "Origin: https://evil.example", 403, wire.ProblemCrossOrigin},
		{"another site that points here", "PUT", `{"profile":"offline"}`, "Host: evil.example", 421, wire.ProblemMisdirected},
		{"another method", "POST", `{"profile":"offline"}`, "", 405, wire.ProblemMethod},
	} {
		t.Run(strings.ReplaceAll(row.name, " ", "-"), func(t *testing.T) {
			req, err := http.NewRequest(row.method, m.URL()+"/demo/network", strings.NewReader(row.body))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Content-Type", "application/json")
			browser := ada
			switch name, value, _ := strings.Cut(row.header, ": "); name {
			case "":
			case "Host":
				req.Host = value
			case "Cookie":
				browser = newBrowser(t) // has none of ada's
				fallthrough
			default:
				req.Header.Set(name, value)
			}
			res, err := browser.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			data, err := io.ReadAll(res.Body)
			if err != nil {
				t.Fatal(err)
			}
			p, err := wire.DecodeProblem(data)
			if err != nil || res.StatusCode != row.status || p.Type != row.problem || res.Header.Get("Content-Type") != "application/problem+json" {
				t.Errorf("%d %s, %v", res.StatusCode, data, err)
			}
			if setting, _ := m.Network().Get(fault.Everybody); setting.Rule != (fault.Rule{}) {
				t.Errorf("the network of everybody is %+v", setting)
			}
			if status, data := send(t, ada, "GET", m.URL()+"/demo/network", "", ""); status != 200 || !strings.Contains(string(data), `"scope":"everybody","profile":"clean"`) {
				t.Errorf("ada's network: %d %s", status, data)
			}
		})
	}
}
