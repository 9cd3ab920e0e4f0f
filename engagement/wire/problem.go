package wire

// Problem is the body of every error, in the form of RFC 9457, with the media
// type application/problem+json.
type Problem struct {
	// Type is one of the Problem… constants below.
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`

	// Detail explains the fault of this request to people.
	Detail string `json:"detail,omitempty"`

	// Instance is "urn:request:" and the request's id, as in the server's log.
	Instance string `json:"instance,omitempty"`

	// Field names the part of the request that was refused; empty: no single part.
	Field string `json:"field,omitempty"`

	// RetryAfterMs is the time to wait before the next try, in milliseconds; 0: not said. The
	// header Retry-After says the same, rounded up to seconds.
	RetryAfterMs int64 `json:"retryAfterMs,omitempty"`

	// Truth is the present post: always with ProblemConflict and ProblemGone, and with
	// ProblemNotFound when the post exists and only the comment does not.
	Truth *Truth `json:"truth,omitempty"`

	// Winner is the stamp of the operation that won, with ProblemConflict.
	Winner *Winner `json:"winner,omitempty"`
}

// Winner is the last applied operation of a slot. Its moment is never ahead of the server's
// clock, even if the device's stamp was.
type Winner struct {
	At     Stamp  `json:"at,string"`
	Client string `json:"client"`
}

// The types of problems. They are stable; titles and details are not.
const (
	// ProblemMalformed (400): the body is not the JSON that the route takes.
	ProblemMalformed = "/problems/malformed"
	// ProblemInvalid (422): a value is out of its bounds; Field names it.
	ProblemInvalid = "/problems/invalid"
	// ProblemBadRequest (400): a path, query or header is unacceptable.
	ProblemBadRequest = "/problems/bad-request"
	// ProblemKeyMissing (400): an operation came without Idempotency-Key.
	ProblemKeyMissing = "/problems/key-missing"
	// ProblemKeyReused (422): the key was used for another payload.
	ProblemKeyReused = "/problems/key-reused"
	// ProblemKeyExpired (410): the key is older than keys are kept. Whether its operation was
	// applied is not known any more; this request was not, and the next one with the key will
	// not be.
	ProblemKeyExpired = "/problems/key-expired"
	// ProblemUnsure (504, Retry-After): whether the operation was carried out is not known. A
	// request with the same key tells.
	ProblemUnsure = "/problems/unsure"
	// ProblemInProgress (409, Retry-After): the first request with this key still runs.
	ProblemInProgress = "/problems/in-progress"
	// ProblemConflict (409): a newer operation of the slot won, or the id is taken.
	ProblemConflict = "/problems/conflict"
	// ProblemUnauthenticated (401): no user is signed in, or the session has ended.
	ProblemUnauthenticated = "/problems/unauthenticated"
	// ProblemForbidden (403): it belongs to another user.
	ProblemForbidden = "/problems/forbidden"
	// ProblemCrossOrigin (403): a browser sent it from another site.
	ProblemCrossOrigin = "/problems/cross-origin"
	// ProblemNotFound (404): it does not exist and never did.
	ProblemNotFound = "/problems/not-found"
	// ProblemGone (410): it was deleted.
	ProblemGone = "/problems/gone"
	// ProblemMethod (405, Allow): the path is right, the method is not.
	ProblemMethod = "/problems/method-not-allowed"
	// ProblemBodyTimeout (408): the body came too slowly.
	ProblemBodyTimeout = "/problems/body-timeout"
	// ProblemTooLarge (413): the body is larger than MaxBody.
	ProblemTooLarge = "/problems/too-large"
	// ProblemURITooLong (414): the path and query are too long.
	ProblemURITooLong = "/problems/uri-too-long"
	// ProblemMediaType (415): the body is not application/json.
	ProblemMediaType = "/problems/media-type"
	// ProblemMisdirected (421): the server does not answer for the requested host.
	ProblemMisdirected = "/problems/misdirected"
	// ProblemHeaderTooLarge (431): the header is too large.
	ProblemHeaderTooLarge = "/problems/header-too-large"
	// ProblemRate (429, Retry-After): too many requests or streams of this session or address.
	ProblemRate = "/problems/rate-limited"
	// ProblemOverloaded (503, Retry-After): the server has too much to do.
	ProblemOverloaded = "/problems/overloaded"
	// ProblemInternal (500): the server is to blame; the log knows more.
	ProblemInternal = "/problems/internal"
)
