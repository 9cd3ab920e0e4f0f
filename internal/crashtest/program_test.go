package crashtest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/filejournal"
	"github.com/optimist-go/optimist/jsonstored"
)

// doc is an entity. Log holds the numbers of the taps that were added, in order, each
// followed by a space.
type doc struct {
	Text int
	On   bool
	Log  string
}

func (d doc) has(tap int) bool {
	return strings.Contains(" "+d.Log, fmt.Sprintf(" %d ", tap))
}

func (d doc) with(tap int) doc {
	if !d.has(tap) {
		d.Log += fmt.Sprint(tap, " ")
	}
	return d
}

// request is what a call sends. Tap numbers what the person did, for the judge.
type request struct {
	ID       string
	Kind     string // "set", "toggle", "add", "reply", "rude", "link"
	Entities []string
	Tap      int
	On       bool
	Parent   int    // of a reply: a tap that must have come before
	Of       string // the entity of the parent if later taps may replace it
}

// answer is the truth of the entities of a request.
type answer struct {
	Docs     []doc
	Versions []uint64
}

// Arguments of the operations.
type (
	set   struct{ Tap int }
	add   struct{ Tap int }
	reply struct {
		Tap, Parent int
		Of          string
	}
	rude struct{ Tap int }
	link struct {
		Tap  int
		A, B string
	}
)

// program is one life of the program under test.
type program struct {
	m      *optimist.Manager
	url    string
	client http.Client

	docs   *optimist.Store[doc]
	set    *optimist.Action[doc, set]
	toggle *optimist.Switch[doc]
	add    *optimist.Action[doc, add]
	reply  *optimist.Action[doc, reply]
	rude   *optimist.Action[doc, rude]
	link   *optimist.GroupAction[link]
}

func newProgram(dir, url string) (*program, error) {
	j, err := filejournal.Open(dir, filejournal.Options{CompactAt: 8 << 10})
	if err != nil {
		return nil, err
	}
	m, err := optimist.New(optimist.Options{Journal: j, Policy: optimist.Policy{
		Debounce: optimist.Debounce{Wait: 5 * time.Millisecond, MaxWait: 20 * time.Millisecond},
		Retry:    optimist.Retry{Max: optimist.Forever, Base: time.Millisecond, Cap: 5 * time.Millisecond, Timeout: 300 * time.Millisecond},
	}})
	if err != nil {
		return nil, err
	}
	p := &program{m: m, url: url, docs: optimist.NewStore[doc](m, "doc")}
	p.set = optimist.Register(p.docs, optimist.Mutation[doc, set]{
		Type: "set", Kind: optimist.Create, Slot: func(set) string { return "text" }, Stored: jsonstored.Of[set](1),
		Apply: func(d doc, a set) (doc, error) { d.Text = a.Tap; return d, nil },
		Send: func(ctx context.Context, c optimist.Call[set]) (optimist.Truth[doc], error) {
			return p.one(ctx, request{ID: c.ID, Kind: "set", Entities: []string{c.Entity}, Tap: c.Args.Tap})
		},
	})
	p.toggle = optimist.RegisterToggle(p.docs, optimist.Toggle[doc]{
		Type: "toggle", Stored: jsonstored.Of[optimist.Switched](1),
		Get: func(d doc, _ string) bool { return d.On },
		Set: func(d doc, _ string, on bool) doc { d.On = on; return d },
		Send: func(ctx context.Context, c optimist.Call[optimist.Switched]) (optimist.Truth[doc], error) {
			return p.one(ctx, request{ID: c.ID, Kind: "toggle", Entities: []string{c.Entity}, On: c.Args.On})
		},
	})
	p.add = optimist.Register(p.docs, optimist.Mutation[doc, add]{
		Type: "add", Kind: optimist.Create, Stored: jsonstored.Of[add](1),
		Apply: func(d doc, a add) (doc, error) { return d.with(a.Tap), nil },
		Send: func(ctx context.Context, c optimist.Call[add]) (optimist.Truth[doc], error) {
			return p.one(ctx, request{ID: c.ID, Kind: "add", Entities: []string{c.Entity}, Tap: c.Args.Tap})
		},
	})
	p.reply = optimist.Register(p.docs, optimist.Mutation[doc, reply]{
		Type: "reply", Kind: optimist.Create, Stored: jsonstored.Of[reply](1),
		Apply: func(d doc, a reply) (doc, error) { return d.with(a.Tap), nil },
		Send: func(ctx context.Context, c optimist.Call[reply]) (optimist.Truth[doc], error) {
			return p.one(ctx, request{ID: c.ID, Kind: "reply", Entities: []string{c.Entity}, Tap: c.Args.Tap, Parent: c.Args.Parent, Of: c.Args.Of})
		},
	})
	p.rude = optimist.Register(p.docs, optimist.Mutation[doc, rude]{
		Type: "rude", Kind: optimist.Create, Stored: jsonstored.Of[rude](1),
		Policy: optimist.Policy{Failure: optimist.Park},
		Apply:  func(d doc, a rude) (doc, error) { return d.with(a.Tap), nil },
		Send: func(ctx context.Context, c optimist.Call[rude]) (optimist.Truth[doc], error) {
			return p.one(ctx, request{ID: c.ID, Kind: "rude", Entities: []string{c.Entity}, Tap: c.Args.Tap})
		},
	})
	p.link = optimist.RegisterGroup(m, optimist.Group[link]{
		Type: "link", Stored: jsonstored.Of[link](1),
		Parts: func(a link) []optimist.Part {
			with := func(d doc) (doc, error) { return d.with(a.Tap), nil }
			return []optimist.Part{p.docs.CreatePart(a.A, with), p.docs.CreatePart(a.B, with)}
		},
		Send: func(ctx context.Context, c optimist.Call[link]) ([]optimist.EntityTruth, error) {
			r := request{ID: c.ID, Kind: "link", Entities: []string{c.Args.A, c.Args.B}, Tap: c.Args.Tap}
			a, err := p.call(ctx, r)
			var truths []optimist.EntityTruth
			for i := range a.Docs {
				truths = append(truths, p.docs.EntityTruth(r.Entities[i], optimist.TruthOf(a.Docs[i], a.Versions[i])))
			}
			return truths, err
		},
	})
	return p, m.Err()
}

func (p *program) one(ctx context.Context, r request) (optimist.Truth[doc], error) {
	a, err := p.call(ctx, r)
	if err != nil {
		return optimist.Truth[doc]{}, err
	}
	return optimist.TruthOf(a.Docs[0], a.Versions[0]), nil
}

// call sends a request. Of an answer that did not come whole nothing is known.
func (p *program) call(ctx context.Context, r request) (a answer, err error) {
	body, err := json.Marshal(r)
	if err != nil {
		return a, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url, bytes.NewReader(body))
	if err != nil {
		return a, err
	}
	resp, err := p.client.Do(req)
	if err != nil {
		return a, optimist.Fail(optimist.Unknown, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return a, optimist.StatusError(resp.StatusCode, 0, nil)
	}
	if err := json.NewDecoder(resp.Body).Decode(&a); err != nil {
		return a, optimist.Fail(optimist.Unknown, err)
	}
	return a, nil
}

// fetch reads the truth of an entity.
func (p *program) fetch(ctx context.Context, entity string) error {
	return p.docs.Refresh(ctx, entity, func(ctx context.Context) (t optimist.Truth[doc], err error) {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.url+"?entity="+entity, nil)
		if err != nil {
			return t, err
		}
		resp, err := p.client.Do(req)
		if err != nil {
			return t, err
		}
		defer resp.Body.Close()
		var a answer
		if err := json.NewDecoder(resp.Body).Decode(&a); err != nil && !errors.Is(err, io.EOF) {
			return t, err
		}
		return optimist.TruthOf(a.Docs[0], a.Versions[0]), nil
	})
}
