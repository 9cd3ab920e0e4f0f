package httpapi

import "time"

// limit is how much there is of an allowance. Its methods decide what becomes of a bucket,
// and do nothing else.
type limit struct {
	perSecond float64 // negative: no limit
	burst     float64
}

// bucket is what is left of one allowance, as far as this server knows.
type bucket struct {
	tokens float64   // below 0 when servers together have let through too much
	at     time.Time // when tokens was right

	untold float64   // tokens that were taken here, and of which other servers are not told
	whole  time.Time // when the bucket would be full again if only these had been taken
}

// longestWait is the longest that anybody is told to wait.
const longestWait = time.Hour

// tellings is how many parts a burst is told in: a bucket is due when one of them is gone.
// So telling costs a fraction of a row for each request, and what stays untold is never
// more than a part of each server.
const tellings = 32

// fresh is a full bucket.
func (l limit) fresh(now time.Time) bucket { return bucket{tokens: l.burst, at: now} }

func (l limit) refilled(b bucket, now time.Time) bucket {
	b.tokens = min(l.burst, b.tokens+max(0, now.Sub(b.at).Seconds())*l.perSecond)
	b.at = now
	return b
}

// take takes one token, and returns 0 or how long to wait for it.
func (l limit) take(b bucket, now time.Time) (bucket, time.Duration) {
	b = l.refilled(b, now)
	if b.tokens < 1 {
		return b, bounded(max(1e-9, (1-b.tokens)/l.perSecond), longestWait)
	}
	b.tokens--
	b.untold, b.whole = b.untold+1, later(b.whole, now).Add(l.cost(1))
	return b, 0
}

// due says whether the other servers have to be told.
func (l limit) due(b bucket) bool { return b.untold > 0 && b.untold*tellings >= l.burst }

// telling is what was taken from a bucket, on its way to the other servers.
type telling struct {
	tokens float64
	whole  time.Time // see bucket
	sent   time.Time
}

// tell takes from the bucket what is untold.
func (l limit) tell(b bucket, now time.Time) (bucket, telling) {
	t := telling{b.untold, b.whole, now}
	b.untold, b.whole = 0, time.Time{}
	return b, t
}

// cost is how long it takes until as many tokens have come again.
func (l limit) cost(tokens float64) time.Duration { return bounded(tokens/l.perSecond, longestMissing) }

// heard is the bucket after the answer: with what all servers had taken when t was sent,
// the allowance was whole again only after missing. What this server knows of more than
// that stays, for the database may have lost it.
func (l limit) heard(b bucket, t telling, missing time.Duration, now time.Time) bucket {
	b = l.refilled(b, now)
	whole := t.sent.Add(missing).Add(l.cost(b.untold))
	b.tokens = min(b.tokens, l.burst-max(0, whole.Sub(now).Seconds())*l.perSecond)
	return b
}

// unheard is the bucket after no answer came: it is to be told again. What adds up while
// nobody can be told is not held against anybody beyond what one server lets through at
// once and in a second: each server counted by itself.
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

// longestMissing bounds what a bucket with next to no rate can tell.
const longestMissing = 365 * 24 * time.Hour

// bounded is a number of seconds as a duration.
func bounded(seconds float64, most time.Duration) time.Duration {
	return time.Duration(min(seconds*float64(time.Second), float64(most)))
}
