package load

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/optimist-go/optimist/engagement/client"
	"github.com/optimist-go/optimist/engagement/wire"
)

// catchUp is how long the streams have to tell the last of the news.
const catchUp = 30 * time.Second

// judge compares what everybody sees with what the server holds.
func (r *runner) judge(ctx context.Context) (*Report, error) {
	r.bar.say("comparing")
	after, err := r.versions(ctx)
	if err != nil {
		return nil, err
	}
	rep := &Report{Clients: len(r.people), Took: r.took}
	changes, effects := 0, 0
	for post, v := range after {
		changes += int(v - r.before[post])
	}
	var taps, settling []time.Duration
	for i, p := range r.people {
		n, why, err := p.divergence(ctx, after)
		if err != nil {
			return nil, err
		}
		rep.Divergence += n
		if why != "" && len(rep.Details) < 10 {
			rep.Details = append(rep.Details, why)
		}
		p.readEvents()
		e, err := p.ledger.effects(ctx, p.seen.applied)
		if err != nil {
			return nil, err
		}
		effects += e
		rep.add(p)
		taps = append(taps, p.taps...)
		settling = append(settling, p.settleTimes()...)
		r.bar.show(i+1, len(r.people))
	}
	// Asking again under a key that the server knows must not have changed anything.
	last, err := r.versions(ctx)
	if err != nil {
		return nil, err
	}
	for post, v := range last {
		changes += int(v - after[post])
	}
	rep.Duplicates, rep.Lost = max(changes-effects, 0), max(effects-changes, 0)
	rep.Effects = effects
	rep.TapP50, rep.TapP99 = percentiles(taps)
	rep.SettleP50, rep.SettleP99 = percentiles(settling)
	r.bar.end()
	return rep, nil
}

// divergence counts the posts that the client sees otherwise than the server holds
// them, after its stream has had time to say the last.
func (p *person) divergence(ctx context.Context, versions map[string]uint64) (n int, why string, err error) {
	deadline := time.Now().Add(catchUp)
	for _, post := range p.posts {
		for p.service.Post(post).Version < versions[post] && time.Now().Before(deadline) && ctx.Err() == nil {
			time.Sleep(5 * time.Millisecond)
		}
		a, err := p.ledger.Transport.RoundTrip(ctx, client.Request{Method: "GET", Path: "/v1/posts/" + post})
		if err != nil {
			return 0, "", err
		}
		truth, err := wire.DecodeTruth(a.Body)
		if err != nil {
			return 0, "", err
		}
		v := p.service.Post(post)
		switch {
		case truth.State == nil || v.Pending > 0 || v.Value.PostState.Post != truth.State.Post || !slices.Equal(v.Value.Comments, truth.State.Comments):
			n++
			why = fmt.Sprintf("%s sees %+v (version %d, %d pending), the server holds %+v (version %d)",
				p.service.User(), v.Value.PostState.Post, v.Version, v.Pending, truth.State.Post, truth.Version)
		}
	}
	return n, why, nil
}

func percentiles(d []time.Duration) (p50, p99 time.Duration) {
	if len(d) == 0 {
		return 0, 0
	}
	slices.Sort(d)
	return d[len(d)/2], d[min(len(d)*99/100, len(d)-1)]
}
