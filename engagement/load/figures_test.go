package load

import (
	"context"
	"encoding/json"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/engagement/client"
	"github.com/optimist-go/optimist/engagement/wire"
)

// TestOK: each figure that must be 0 decides alone, and no other does.
func TestOK(t *testing.T) {
	for _, r := range []Report{{Divergence: 1}, {Duplicates: 1}, {Lost: 1}, {Forgotten: 1}, {Unknown: 1}, {Missed: 1}, {Audit: "wrong"}, {BrokeOff: "why"}} {
		if r.OK() {
			t.Errorf("%+v is OK", r)
		}
	}
	fine := Report{Clients: 1, Taps: 1, Calls: 1, CallsSaved: 1, Retries: 1, Conflicts: 1, Rollbacks: 1, Parked: 1, Effects: 1, Kills: 1, Durable: 1, Restored: 1}
	if !fine.OK() {
		t.Errorf("%+v is not OK", fine)
	}
}

// TestCount: the version of a post against the operations that had an effect on it.
func TestCount(t *testing.T) {
	for _, test := range []struct{ changes, wanted, duplicates, lost int }{
		{0, 0, 0, 0}, {3, 3, 0, 0}, {5, 3, 2, 0}, {3, 5, 0, 2}, {1, 0, 1, 0}, {0, 1, 0, 1},
	} {
		var r Report
		r.count("a", 2, 2)
		r.count("b", test.changes, test.wanted)
		if r.Effects != 2+test.wanted || r.Duplicates != test.duplicates || r.Lost != test.lost {
			t.Errorf("%+v: %+v", test, r)
		}
		if told := len(r.Details) > 0; told != (test.changes != test.wanted) {
			t.Errorf("%+v: %q", test, r.Details)
		}
	}
}

// TestFigures: the report of the notes of one client.
func TestFigures(t *testing.T) {
	began := time.Now()
	accepted := func(id string) note { return note{Kind: noteAccepted, ID: id} }
	tapped := func(id string) note { return note{Kind: noteTapped, ID: id, At: began, Took: time.Second} }
	sent := func(id string) note { return note{Kind: noteSent, Request: &client.Request{Key: id}} }
	settled := func(id, successor string, after time.Duration) note {
		return note{Kind: noteSettled, ID: id, At: began.Add(after), Outcome: optimist.Confirmed, Successor: successor}
	}
	for name, test := range map[string]struct {
		notes []note
		want  Report
	}{
		"nothing": {nil, Report{}},
		"a call":  {[]note{accepted("a"), tapped("a"), sent("a")}, Report{Taps: 1, Calls: 1, Visible: all(1e9)}},
		"a call that is made twice": {
			[]note{accepted("a"), tapped("a"), sent("a"), {Kind: noteRetrying, ID: "a"}, sent("a")},
			Report{Taps: 1, Calls: 2, Retries: 1, Visible: all(1e9)},
		},
		"a tap that joins another": {
			[]note{accepted("a"), tapped("a"), tapped("a"), sent("a")},
			Report{Taps: 2, Calls: 1, CallsSaved: 1, Visible: all(1e9)},
		},
		"a tap that is replaced, and settles with what replaced it": {
			[]note{accepted("a"), tapped("a"), settled("a", "b", 1e9), accepted("b"), tapped("b"), sent("b"), settled("b", "", 3e9)},
			Report{Taps: 2, Calls: 1, CallsSaved: 1, Visible: all(1e9), Settle: all(3e9)},
		},
		"a conflict":             {[]note{{Kind: noteConflicted, ID: "a"}}, Report{Conflicts: 1}},
		"what is rolled back":    {[]note{{Kind: noteRolledBack, Count: 3}}, Report{Rollbacks: 3}},
		"events that are missed": {[]note{{Kind: noteMissed, Count: 4}}, Report{Missed: 4}},
		"views that differ": {
			[]note{{Kind: noteCompared, Count: 2, Parked: 1, Why: "why"}, {Kind: noteCompared, Count: 3}},
			Report{Divergence: 5, Parked: 1, Details: []string{"why"}},
		},
		"a call that nobody made": {[]note{sent("a")}, Report{Calls: 1, Unknown: 1, Details: []string{"client 0: it has not made operation a"}}},
	} {
		t.Run(name, func(t *testing.T) {
			book := newBook(1, func(int) {})
			for _, n := range test.notes {
				book.take(n)
			}
			test.want.Clients = 1
			if got := book.report(); !reflect.DeepEqual(*got, test.want) {
				t.Errorf("\n%+v, want\n%+v", *got, test.want)
			}
		})
	}
}

// all is the spread of durations that are the same.
func all(d time.Duration) Spread { return Spread{d, d, d, d, d} }

func TestSpread(t *testing.T) {
	var thousand []time.Duration
	for i := range 1000 {
		thousand = append(thousand, time.Duration(1000-i))
	}
	for _, test := range []struct {
		of   []time.Duration
		want Spread
	}{{nil, Spread{}}, {[]time.Duration{7}, all(7)}, {[]time.Duration{2, 1}, all(2)}, {thousand, Spread{501, 901, 991, 1000, 1000}}} {
		if got := spreadOf(test.of); got != test.want {
			t.Errorf("%v, want %v", got, test.want)
		}
	}
}

// TestEffects: which operations changed something, and which the server is asked about
// once more.
func TestEffects(t *testing.T) {
	const post = "01980000-0000-7000-8000-000000000001"
	request := &client.Request{Key: "a", Method: "PUT", Path: "/v1/posts/" + post + "/like"}
	yes := client.Response{Status: 200, Body: []byte(`{"id":"` + post + `","state":null,"version":1}`)}
	already := client.Response{Status: 200, Body: []byte(`{"id":"` + post + `","state":null,"version":1,"already":true}`)}
	settled := time.Now()
	for name, test := range map[string]struct {
		op     operation
		answer client.Response
		want   int
		asked  bool
	}{
		"never left":                       {operation{}, yes, 0, false},
		"answered":                         {operation{request: request, answered: true, settled: settled, outcome: optimist.Confirmed}, yes, 1, false},
		"answered that all was so already": {operation{request: request, answered: true, already: true, settled: settled, outcome: optimist.Confirmed}, yes, 0, false},
		"rolled back":                      {operation{request: request, settled: settled, outcome: optimist.RolledBack}, yes, 0, false},
		"both wanted the same":             {operation{request: request, agreed: true, settled: settled, outcome: optimist.Confirmed}, yes, 0, false},
		"confirmed by the stream":          {operation{request: request, settled: settled, outcome: optimist.Confirmed}, yes, 1, true},
		"confirmed, and was so already":    {operation{request: request, settled: settled, outcome: optimist.Confirmed}, already, 0, true},
		"confirmed, and now refused":       {operation{request: request, settled: settled, outcome: optimist.Confirmed}, client.Response{Status: 409}, 1, true},
		"its client was killed":            {operation{request: request}, yes, 1, true},
		"its client was killed before":     {operation{request: request}, client.Response{Status: 409}, 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			book, asked := newBook(1, func(int) {}), false
			book.ops["a"] = &test.op
			effects, err := book.effects(t.Context(), func(context.Context, int, client.Request) (client.Response, error) {
				asked = true
				return test.answer, nil
			}, func(int, int) {})
			if err != nil || effects[post] != test.want || asked != test.asked {
				t.Errorf("%v, %v; asked %v", effects, err, asked)
			}
		})
	}
}

// TestEffectsOfWhatWasGivenUp: an operation that only the repeated request carries out
// had no effect.
func TestEffectsOfWhatWasGivenUp(t *testing.T) {
	const post = "01980000-0000-7000-8000-000000000001"
	request := &client.Request{Key: "a", Method: "PUT", Path: "/v1/posts/" + post + "/like"}
	at := func(version string) client.Response {
		return client.Response{Status: 200, Body: []byte(`{"id":"` + post + `","state":null,"version":` + version + `}`)}
	}
	sent, settled := note{Kind: noteSent, Request: request}, note{Kind: noteSettled, ID: "a", At: time.Now(), Outcome: optimist.Cancelled}
	unheard, refused := note{Kind: noteUnheard, ID: "a"}, note{Kind: noteRefused, ID: "a"}
	for name, test := range map[string]struct {
		notes     []note
		now, then client.Response
		want      int
		asked     int
	}{
		"the server had it":             {[]note{sent, unheard, settled}, at("7"), at("7"), 1, 2},
		"the server had it not":         {[]note{sent, unheard, settled}, at("7"), at("8"), 0, 2},
		"the server does not take it":   {[]note{sent, unheard, settled}, at("7"), client.Response{Status: 409}, 0, 2},
		"the server refused it in time": {[]note{sent, unheard, sent, refused, settled}, at("7"), at("7"), 0, 0},
		"the server refused it":         {[]note{sent, refused, settled}, at("7"), at("7"), 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			book, asked := newBook(1, func(int) {}), 0
			for _, n := range test.notes {
				book.take(n)
			}
			effects, err := book.effects(t.Context(), func(_ context.Context, _ int, r client.Request) (client.Response, error) {
				if asked++; r.Method == "GET" {
					return test.now, nil
				}
				return test.then, nil
			}, func(int, int) {})
			if err != nil || effects[post] != test.want || asked != test.asked {
				t.Errorf("%v, %v; asked %d times", effects, err, asked)
			}
		})
	}
}

// TestPostOf: which post a request is about.
func TestPostOf(t *testing.T) {
	const post = "01980000-0000-7000-8000-000000000001"
	body, err := json.Marshal(wire.NewPost{Change: wire.Change{At: wire.NewStamp(1, 0), Client: "c"}, ID: post, Text: "t"})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range []client.Request{
		{Path: "/v1/posts", Body: body}, {Path: "/v1/posts/" + post}, {Path: "/v1/posts/" + post + "/like"}, {Path: "/v1/posts/" + post + "/comments/" + post},
	} {
		if got := postOf(&r); got != post {
			t.Errorf("%s: %q", r.Path, got)
		}
	}
}

// spaces are the columns of the table.
var spaces = regexp.MustCompile(` +`)

func TestWrite(t *testing.T) {
	for want, r := range map[string]Report{
		"divergence 1 MUST BE 0":                                       {Divergence: 1},
		"duplicated effects 0 as it must be":                           {},
		"tap to settled 2s / 3s / 4s / 5s / 6s":                        {Settle: Spread{2e9, 3e9, 4e9, 5e9, 6e9}},
		"\nPASS\n":                                                     {},
		"\nFAIL: lost effects 1, the run broke off\n":                  {Lost: 1, BrokeOff: "it rains"},
		"the database is wrong: a post\nFAIL: the database is wrong\n": {Audit: "a post"},
		"servers killed 5":                                             {Troubles: []TroubleCount{{"servers killed", 5}}},
		"calls saved 5 taps that needed none of":                       {CallsSaved: 5},
		"\nthe first\nthe second\n":                                    {Details: []string{"the first", "the second"}},
	} {
		var out strings.Builder
		if err := r.Write(&out); err != nil || !strings.Contains(spaces.ReplaceAllString(out.String(), " "), want) {
			t.Errorf("there is no %q in\n%s%v", want, &out, err)
		}
	}
}
