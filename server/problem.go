package server

// The types of problems. They are stable; titles and details are not.
const (
	// ProblemMalformed (400): the body is not the JSON that is asked for.
	ProblemMalformed = "/problems/malformed"
	// ProblemBadRequest (400): a path, query or header is unacceptable.
	ProblemBadRequest = "/problems/bad-request"
	// ProblemKeyMissing (400): an operation came without Idempotency-Key.
	ProblemKeyMissing = "/problems/key-missing"
	// ProblemUnauthenticated (401): nobody is signed in.
	ProblemUnauthenticated = "/problems/unauthenticated"
	// ProblemForbidden (403): the user may not.
	ProblemForbidden = "/problems/forbidden"
	// ProblemNotFound (404): there is no such thing.
	ProblemNotFound = "/problems/not-found"
	// ProblemMethod (405, Allow): the path is right, the method is not.
	ProblemMethod = "/problems/method-not-allowed"
	// ProblemConflict (409): things are not as the client thinks.
	ProblemConflict = "/problems/conflict"
	// ProblemInProgress (409, Retry-After): the first request with this key still runs.
	ProblemInProgress = "/problems/in-progress"
	// ProblemGone (410): it was deleted.
	ProblemGone = "/problems/gone"
	// ProblemKeyExpired (410): the key is older than keys are kept. Whether its operation
	// was carried out is not known; it will not be any more.
	ProblemKeyExpired = "/problems/key-expired"
	// ProblemTooLarge (413): the body is too large.
	ProblemTooLarge = "/problems/too-large"
	// ProblemMediaType (415): the body is not application/json.
	ProblemMediaType = "/problems/media-type"
	// ProblemInvalid (422): a value is out of its bounds; Field names it.
	ProblemInvalid = "/problems/invalid"
	// ProblemKeyReused (422): the key was used for another payload.
	ProblemKeyReused = "/problems/key-reused"
	// ProblemRate (429, Retry-After): too many requests.
	ProblemRate = "/problems/rate-limited"
	// ProblemInternal (500): the server is to blame; its log knows more.
	ProblemInternal = "/problems/internal"
	// ProblemOverloaded (503, Retry-After): the server or its database cannot do it now.
	ProblemOverloaded = "/problems/overloaded"
)
