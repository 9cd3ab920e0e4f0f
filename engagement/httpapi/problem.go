package httpapi

import (
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/optimist-go/optimist/engagement"
	"github.com/optimist-go/optimist/engagement/wire"
)

// refusal is an error of HTTP alone, unknown to the domain.
type refusal struct {
	status     int
	problem    string
	detail     string
	retryAfter time.Duration // 0: not said
}

func (e *refusal) Error() string { return e.detail }

func overloaded(detail string) *refusal {
	return &refusal{http.StatusServiceUnavailable, wire.ProblemOverloaded, detail, time.Second}
}

// withTruth is an error with the present truth for the client.
type withTruth struct {
	error
	truth wire.Truth
}

func (e *withTruth) Unwrap() error { return e.error }

// codes has the problems for the codes of the domain. Every other error becomes
// Internal, which is not listed.
var codes = map[engagement.Code]struct {
	status  int
	problem string
}{
	engagement.Invalid:         {http.StatusUnprocessableEntity, wire.ProblemInvalid},
	engagement.Unauthenticated: {http.StatusUnauthorized, wire.ProblemUnauthenticated},
	engagement.Forbidden:       {http.StatusForbidden, wire.ProblemForbidden},
	engagement.NotFound:        {http.StatusNotFound, wire.ProblemNotFound},
	engagement.Gone:            {http.StatusGone, wire.ProblemGone},
	engagement.Conflict:        {http.StatusConflict, wire.ProblemConflict},
	engagement.InProgress:      {http.StatusConflict, wire.ProblemInProgress},
	engagement.KeyExpired:      {http.StatusGone, wire.ProblemKeyExpired},
	engagement.KeyReused:       {http.StatusUnprocessableEntity, wire.ProblemKeyReused},
	engagement.Unavailable:     {http.StatusServiceUnavailable, wire.ProblemOverloaded},
	engagement.Unsure:          {http.StatusGatewayTimeout, wire.ProblemUnsure},
}

// problemOf returns the problem that the client gets for an error.
func problemOf(err error) wire.Problem {
	var p wire.Problem
	if e, ok := errors.AsType[*refusal](err); ok {
		p = wire.Problem{Type: e.problem, Status: e.status, Detail: e.detail, RetryAfterMs: e.retryAfter.Milliseconds()}
		if e.retryAfter > 0 && p.RetryAfterMs == 0 {
			p.RetryAfterMs = 1
		}
	} else if e, ok := errors.AsType[*wire.MalformedError](err); ok {
		p = wire.Problem{Type: wire.ProblemMalformed, Status: http.StatusBadRequest, Field: e.Field, Detail: e.Error()}
	} else if e, ok := errors.AsType[*wire.InvalidError](err); ok {
		p = wire.Problem{Type: wire.ProblemInvalid, Status: http.StatusUnprocessableEntity, Field: e.Field, Detail: e.Error()}
	} else if known, ok := codes[engagement.ErrorCode(err)]; ok {
		p = wire.Problem{Type: known.problem, Status: known.status, Detail: "the server cannot do this now"}
		if e, ok := errors.AsType[*engagement.Error](err); ok {
			p.Detail, p.Field = e.Message, e.Field
			if e.Winner != (engagement.Stamp{}) {
				p.Winner = &wire.Winner{At: e.Winner.At, Client: e.Winner.Client}
			}
		}
		if p.Status == http.StatusServiceUnavailable || p.Type == wire.ProblemUnsure || p.Type == wire.ProblemInProgress {
			p.RetryAfterMs = 1000
		}
	} else {
		p = wire.Problem{Type: wire.ProblemInternal, Status: http.StatusInternalServerError, Detail: "something went wrong on the server"}
	}
	if e, ok := errors.AsType[*withTruth](err); ok {
		p.Truth = &e.truth
	}
	p.Title = http.StatusText(p.Status)
	return p
}

// statusClientGone is the status that servers log when the client did not wait for
// the answer.
const statusClientGone = 499

// refuse answers with the problem for err.
func (a *API) refuse(w http.ResponseWriter, r *http.Request, err error) {
	p := problemOf(err)
	if p.Status >= http.StatusInternalServerError {
		noteError(r, err)
		if r.Context().Err() != nil {
			w.WriteHeader(statusClientGone) // for the log: the client is gone
			return
		}
	}
	WriteProblem(w, r, p)
}

// WriteProblem answers with the problem. Title and Instance are filled in when they
// are empty; the header Retry-After is set from RetryAfterMs.
func WriteProblem(w http.ResponseWriter, r *http.Request, p wire.Problem) {
	if p.Title == "" {
		p.Title = http.StatusText(p.Status)
	}
	if id := requestID(r); p.Instance == "" && id != "" {
		p.Instance = "urn:request:" + id
	}
	if p.RetryAfterMs > 0 {
		w.Header().Set("Retry-After", strconv.FormatFloat(math.Ceil(float64(p.RetryAfterMs)/1000), 'f', 0, 64))
	}
	if p.Status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Cookie realm="engaged"`)
	}
	writeJSON(w, p.Status, "application/problem+json", p)
}

func writeJSON(w http.ResponseWriter, status int, mediaType string, body any) {
	data := encode(body)
	w.Header().Set("Content-Type", mediaType)
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Length", strconv.Itoa(len(data)+1))
	w.WriteHeader(status)
	w.Write(append(data, '\n')) // an error means that the client is gone
}

func encode(body any) []byte {
	data, err := json.Marshal(body)
	if err != nil {
		panic("httpapi: an answer does not marshal: " + err.Error())
	}
	return data
}

func answer(w http.ResponseWriter, status int, body any) {
	writeJSON(w, status, "application/json", body)
}
