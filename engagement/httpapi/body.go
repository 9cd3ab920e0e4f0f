package httpapi

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/optimist-go/optimist/engagement/wire"
)

// leastRate is the least number of bytes of a body that must arrive per second after
// BodyTimeout.
const leastRate = 1 << 10

// longAgo is a deadline in the past, which ends a read or write at once.
var longAgo = time.Unix(1, 0)

// readBody reads a whole body within its bounds of size and time. The guest come waits
// for its client meanwhile.
func (a *API) readBody(w http.ResponseWriter, r *http.Request, come *guest) ([]byte, error) {
	mediaType, parameters, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	charset, given := parameters["charset"]
	if err != nil || mediaType != "application/json" || given && !strings.EqualFold(charset, "utf-8") {
		return nil, &refusal{http.StatusUnsupportedMediaType, wire.ProblemMediaType, "the body must be application/json", 0}
	}
	if encoding := r.Header.Get("Content-Encoding"); encoding != "" && encoding != "identity" {
		return nil, &refusal{http.StatusUnsupportedMediaType, wire.ProblemMediaType, "the body must not be encoded", 0}
	}
	control := http.NewResponseController(w)
	come.wait(func() { control.SetReadDeadline(longAgo) })
	coming := &comingBody{body: r.Body, come: come, setDeadline: control.SetReadDeadline, due: time.Now().Add(a.options.BodyTimeout)}
	data, err := io.ReadAll(http.MaxBytesReader(w, coming, wire.MaxBody))
	if !come.work() {
		w.Header().Set("Connection", "close")
		return nil, &refusal{http.StatusRequestTimeout, wire.ProblemBodyTimeout,
			"the body came too slowly for a server that has so much to do", time.Second}
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return nil, &refusal{http.StatusRequestEntityTooLarge, wire.ProblemTooLarge,
			"the body must not be larger than " + strconv.Itoa(wire.MaxBody) + " bytes", 0}
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		w.Header().Set("Connection", "close")
		return nil, &refusal{http.StatusRequestTimeout, wire.ProblemBodyTimeout, "the body came too slowly", 0}
	}
	if err != nil {
		w.Header().Set("Connection", "close")
		return nil, &wire.MalformedError{Reason: "broke off"}
	}
	control.SetReadDeadline(time.Time{})
	return data, nil
}

// comingBody is a body that must arrive at leastRate.
type comingBody struct {
	body        io.ReadCloser
	come        *guest
	setDeadline func(time.Time) error // of the connection
	due         time.Time             // deadline of the next byte
}

func (b *comingBody) Read(p []byte) (int, error) {
	b.setDeadline(b.due)
	if b.come.gone.Load() { // after the deadline was set: a room sets gone before its sendAway sets another deadline
		return 0, os.ErrDeadlineExceeded
	}
	n, err := b.body.Read(p)
	b.due = b.due.Add(time.Duration(n) * time.Second / leastRate)
	return n, err
}

func (b *comingBody) Close() error { return b.body.Close() }

// limitOf reads the query parameter limit.
func limitOf(r *request) (int, error) {
	text := r.URL.Query().Get("limit")
	if text == "" {
		return wire.DefaultPage, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > wire.MaxPage || strconv.Itoa(n) != text {
		return 0, badRequest("limit must be a number from 1 to " + strconv.Itoa(wire.MaxPage))
	}
	return n, nil
}

// cursorOf reads the query parameter cursor, of a list in that order.
func cursorOf(r *request, sort wire.Sort) (wire.Cursor, error) {
	cursor, err := wire.DecodeCursor(r.URL.Query().Get("cursor"))
	if err == nil && !cursor.IsZero() && cursor.Sort != sort {
		err = &wire.InvalidError{Field: "cursor", Reason: "is of another order"}
	}
	if err != nil {
		return cursor, badRequest(err.Error())
	}
	return cursor, nil
}

// checkQuery refuses unknown, repeated and malformed query parameters.
func checkQuery(r *request, known ...string) error {
	query, err := parseQuery(r)
	if err != nil {
		return badRequest("the query cannot be read")
	}
	for name, values := range query {
		ok := false
		for _, k := range known {
			ok = ok || k == name
		}
		if !ok {
			return badRequest("there is an unknown query parameter")
		}
		if len(values) > 1 {
			return badRequest(name + " comes twice")
		}
	}
	return nil
}

// idOf reads an id from the path.
func idOf(r *request, name string) (string, error) {
	id := r.PathValue(name)
	if err := wire.CheckID(name, id); err != nil {
		return "", badRequest(err.Error())
	}
	return id, nil
}

func badRequest(detail string) *refusal {
	return &refusal{http.StatusBadRequest, wire.ProblemBadRequest, detail, 0}
}
