package httpapi

import "time"

// limit is the size of an allowance. Its methods are pure decisions about a bucket.
type limit struct {
	perSecond float64 // negative: no limit
	burst     float64
}

// bucket is the rest of one allowance, as far as this server knows.
type bucket struct {
	tokens float64   // below 0 when servers together have let through too much
	at     time.Time // the time of tokens

	untold float64   // tokens taken at this server and not reported to the others
	whole  time.Time // the time at which the bucket would be full again if only the untold tokens had been taken
}

// longestWait is the longest wait that a client is told.
const longestWait = time.Hour

// tellings is the number of parts of a burst: a bucket is due for a report when one part
// is used. So reporting costs a fraction of a row for each request, and at most one part
// of each server stays unreported.
const tellings = 32

// fresh returns a full bucket.
func (l limit) fresh(now time.Time) bucket { return bucket{tokens: l.burst, at: now} }

func (l limit) refilled(b bucket, now time.Time) bucket {
	b.tokens = min(l.burst, b.tokens+max(0, now.Sub(b.at).Seconds())*l.perSecond)
	b.at = now
	return b
}

// take takes one token, and returns 0 or the time to wait for it.
func (l limit) take(b bucket, now time.Time) (bucket, time.Duration) {
	b = l.refilled(b, now)
	if b.tokens < 1 {
		return b, bounded(max(1e-9, (1-b.tokens)/l.perSecond), longestWait)
	}
	b.tokens--
	b.untold, b.whole = b.untold+1, later(b.whole, now).Add(l.cost(1))
	return b, 0
}

// due reports whether the bucket has to be reported to the other servers.
func (l limit) due(b bucket) bool { return b.untold > 0 && b.untold*tellings >= l.burst }

// telling is a report of tokens taken from a bucket, on its way to the other servers.
type telling struct {
	tokens float64
	whole  time.Time // see bucket
	sent   time.Time
}

// tell moves the untold tokens from the bucket into a report.
func (l limit) tell(b bucket, now time.Time) (bucket, telling) {
	t := telling{b.untold, b.whole, now}
	b.untold, b.whole = 0, time.Time{}
	return b, t
}

// cost returns the time in which as many tokens come again.
func (l limit) cost(tokens float64) time.Duration { return bounded(tokens/l.perSecond, longestMissing) }

// heard returns the bucket after the answer to t: with the tokens of all servers at that
// time, the allowance was whole again only after missing. If this server knows of more
// taken tokens its own count stays, because the database may have lost rows.
func (l limit) heard(b bucket, t telling, missing time.Duration, now time.Time) bucket {
	b = l.refilled(b, now)
	whole := t.sent.Add(missing).Add(l.cost(b.untold))
	b.tokens = min(b.tokens, l.burst-max(0, whole.Sub(now).Seconds())*l.perSecond)
	return b
}

// unheard returns the bucket after a report without answer, which has to be repeated.
// Tokens that add up while no report succeeds count only up to a burst and the tokens of
// a second, because each server limited by itself meanwhile.
func (l limit) unheard(b bucket, t telling) bucket {
	b.whole = later(t.whole.Add(l.cost(b.untold)), b.whole)
	b.untold = min(b.untold+t.tokens, l.burst+max(1, l.perSecond))
	return b
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// longestMissing bounds the reports of a bucket with a tiny rate.
const longestMissing = 365 * 24 * time.Hour

// bounded returns a number of seconds as a duration of at most most.
func bounded(seconds float64, most time.Duration) time.Duration {
	return time.Duration(min(seconds*float64(time.Second), float64(most)))
}
