package server

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"math"
	"net/http"
	"strconv"
	"time"
)

// Problem is the body of every refusal, in the form of RFC 9457, with the media type
// application/problem+json.
type Problem struct {
	// Type is one of the Problem… constants, or the Type of a [Refusal] of the program.
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	// Detail explains the fault of this request to people.
	Detail string `json:"detail,omitempty"`
	// Instance names the request, if a handler around the kit's has set the header
	// X-Request-Id of the answer: "urn:request:" and its value.
	Instance string `json:"instance,omitempty"`
	// Field names the part of the request that is to blame; empty: no single part.
	Field string `json:"field,omitempty"`
	// RetryAfterMs is the time to wait before the next try, in milliseconds; 0: not said.
	// The header Retry-After says the same, rounded up to seconds.
	RetryAfterMs int64 `json:"retryAfterMs,omitempty"`
	// Truth is the truth of the operation's first entity, and Others the truths of the
	// further ones. Answers with 404, 409 and 410 have them for entities that exist or once
	// existed.
	Truth  *View  `json:"truth,omitempty"`
	Others []View `json:"others,omitempty"`

	// With has further fields of the problem: see [Refusal].
	With any `json:"-"`
}

// The types of problems. They are stable; titles and details are not.
const (
	// ProblemMalformed (400): the body is not the JSON that the operation takes.
	ProblemMalformed = "/problems/malformed"
	// ProblemBadRequest (400): a path, query or header is unacceptable.
	ProblemBadRequest = "/problems/bad-request"
	// ProblemKeyMissing (400): an operation came without Idempotency-Key.
	ProblemKeyMissing = "/problems/key-missing"
	// ProblemUnauthenticated (401): no user is signed in.
	ProblemUnauthenticated = "/problems/unauthenticated"
	// ProblemForbidden (403): the user may not do this.
	ProblemForbidden = "/problems/forbidden"
	// ProblemNotFound (404): there is no such thing.
	ProblemNotFound = "/problems/not-found"
	// ProblemMethod (405, Allow): the path is right, the method is not.
	ProblemMethod = "/problems/method-not-allowed"
	// ProblemConflict (409): the state of the entity does not allow the operation.
	ProblemConflict = "/problems/conflict"
	// ProblemInProgress (409, Retry-After): the first request with this key still runs.
	ProblemInProgress = "/problems/in-progress"
	// ProblemGone (410): the entity was deleted.
	ProblemGone = "/problems/gone"
	// ProblemKeyExpired (410): the key is older than keys are kept. Whether its operation
	// was carried out is not known; this request was not, and the next one with the key
	// will not be.
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
	// ProblemUnsure (504, Retry-After): whether the operation was carried out is not known. A
	// request with the same key tells.
	ProblemUnsure = "/problems/unsure"
)

// typeOf has the types of refusals that do not name one, by status.
var typeOf = map[int]string{
	http.StatusUnauthorized:          ProblemUnauthenticated,
	http.StatusForbidden:             ProblemForbidden,
	http.StatusNotFound:              ProblemNotFound,
	http.StatusMethodNotAllowed:      ProblemMethod,
	http.StatusConflict:              ProblemConflict,
	http.StatusGone:                  ProblemGone,
	http.StatusRequestEntityTooLarge: ProblemTooLarge,
	http.StatusUnsupportedMediaType:  ProblemMediaType,
	http.StatusUnprocessableEntity:   ProblemInvalid,
	http.StatusTooManyRequests:       ProblemRate,
}

// ProblemOf returns the problem by which the client learns of an error: a [*Refusal] has
// its own status, [ErrBusy] is 409, [ErrUnavailable] 503, [ErrUnsure] 504, [ErrText] 400, and every other
// error 500 without its text. The problem has no truth yet.
func ProblemOf(err error) Problem {
	var p Problem
	refusal, refused := errors.AsType[*Refusal](err)
	switch {
	case refused && refusal.Status >= 400 && refusal.Status < 500:
		p = Problem{Type: refusal.Type, Status: refusal.Status, Detail: refusal.Detail, Field: refusal.Field,
			RetryAfterMs: milliseconds(refusal.RetryAfter), With: refusal.With}
	case errors.Is(err, ErrBusy):
		p = Problem{Type: ProblemInProgress, Status: http.StatusConflict, RetryAfterMs: 1000,
			Detail: "the first request with this key is still being carried out"}
	case errors.Is(err, ErrUnsure):
		p = unsure("the database was lost while the operation ended; whether it was carried out is not known")
	case errors.Is(err, ErrText):
		p = Problem{Type: ProblemBadRequest, Status: http.StatusBadRequest, Detail: "text is UTF-8, without zero bytes"}
	case errors.Is(err, errDraining):
		p = overloaded("the server is shutting down")
	case errors.Is(err, ErrUnavailable), errors.Is(err, ErrAgain):
		p = overloaded("the server cannot do this now")
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		p = unsure("the time for this request is over; whether it was carried out is not known")
	default:
		p = Problem{Type: ProblemInternal, Status: http.StatusInternalServerError, Detail: "something went wrong on the server"}
	}
	if p.Type == "" {
		p.Type = typeOf[p.Status]
	}
	if p.Type == "" {
		p.Type = ProblemBadRequest
	}
	p.Title = http.StatusText(p.Status)
	return p
}

// unsure is the answer to an operation of unknown outcome. Its status is the one by which gateways
// say that they have lost an answer, so that clients send the operation again with its key.
func unsure(detail string) Problem {
	return Problem{Type: ProblemUnsure, Status: http.StatusGatewayTimeout, RetryAfterMs: 1000, Detail: detail}
}

func overloaded(detail string) Problem {
	return Problem{Type: ProblemOverloaded, Status: http.StatusServiceUnavailable, RetryAfterMs: 1000, Detail: detail,
		Title: http.StatusText(http.StatusServiceUnavailable)}
}

func badRequest(detail string) *Refusal {
	return &Refusal{Status: http.StatusBadRequest, Type: ProblemBadRequest, Detail: detail}
}

// milliseconds rounds up.
func milliseconds(d time.Duration) int64 {
	return int64((max(d, 0) + time.Millisecond - 1) / time.Millisecond)
}

// MarshalJSON encodes the fields of the problem and then the fields of With, which must
// be encoded as an object. It leaves out fields of With whose names the problem has
// already.
func (p Problem) MarshalJSON() ([]byte, error) {
	type plain Problem
	data, err := json.Marshal(plain(p))
	if err != nil || p.With == nil {
		return data, err
	}
	extra, err := json.Marshal(p.With)
	if err != nil {
		return nil, err
	}
	var with, has map[string]json.RawMessage
	if err := json.Unmarshal(extra, &with); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(data, &has); err != nil {
		return nil, err
	}
	for name := range has {
		delete(with, name)
	}
	if len(with) == 0 {
		return data, nil
	}
	if extra, err = json.Marshal(with); err != nil {
		return nil, err
	}
	return append(append(data[:len(data)-1], ','), extra[1:]...), nil
}

// statusClientGone is the status that servers log when the client did not wait for the
// answer.
const statusClientGone = 499

// refuse answers with the problem for err, and logs err when the server is to blame.
func (k *Kit) refuse(w http.ResponseWriter, r *http.Request, err error) {
	p := ProblemOf(err)
	if r.Context().Err() != nil && p.Status >= http.StatusInternalServerError {
		w.WriteHeader(statusClientGone) // for the log: the client is gone
		return
	}
	if p.Status == http.StatusInternalServerError {
		k.options.Log.Error("a request failed", slog.String("method", r.Method), slog.String("path", r.URL.Path), slog.Any("error", err))
	}
	writeProblem(w, p)
}

// writeProblem answers with the problem, its headers included.
func writeProblem(w http.ResponseWriter, p Problem) {
	if id := w.Header().Get("X-Request-Id"); id != "" && p.Instance == "" {
		p.Instance = "urn:request:" + id
	}
	if p.RetryAfterMs > 0 {
		w.Header().Set("Retry-After", strconv.FormatFloat(math.Ceil(float64(p.RetryAfterMs)/1000), 'f', 0, 64))
	}
	if p.Status == http.StatusUnauthorized && w.Header().Get("WWW-Authenticate") == "" {
		w.Header().Set("WWW-Authenticate", `Cookie realm="optimist"`)
	}
	writeJSON(w, p.Status, "application/problem+json", p)
}

func writeJSON(w http.ResponseWriter, status int, mediaType string, body any) {
	data, err := json.Marshal(body)
	if err != nil {
		status, mediaType = http.StatusInternalServerError, "application/problem+json"
		data, _ = json.Marshal(ProblemOf(err)) // without the program's With
	}
	w.Header().Set("Content-Type", mediaType)
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Length", strconv.Itoa(len(data)+1))
	w.WriteHeader(status)
	w.Write(append(data, '\n')) // a client that is gone is not our error
}
