package server

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// JSON reads the body of an operation's request into an A, strictly: one JSON object in
// UTF-8 as application/json, whose names A has, in the same case and each once, with no
// data after the object. Fields whose names are missing stay zero. The error is a
// [*Refusal]. Call JSON in the decode function of [Kit.Handle], which bounds the body.
func JSON[A any](r *http.Request) (A, error) {
	var args A
	if err := checkMediaType(r.Header); err != nil {
		return args, err
	}
	data, err := io.ReadAll(r.Body)
	if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return args, &Refusal{Status: http.StatusRequestEntityTooLarge,
			Detail: "the body must not be larger than " + strconv.FormatInt(tooLarge.Limit, 10) + " bytes"}
	}
	if err != nil {
		return args, malformed("", "the body broke off")
	}
	if value := jsontext.Value(data); value.Kind() != '{' {
		return args, malformed("", "the body is not a JSON object")
	}
	if err := json.Unmarshal(data, &args, json.RejectUnknownMembers(true)); err != nil {
		var none A
		return none, explained(err)
	}
	return args, nil
}

func checkMediaType(h http.Header) error {
	mediaType, parameters, err := mime.ParseMediaType(h.Get("Content-Type"))
	charset, given := parameters["charset"]
	if err != nil || mediaType != "application/json" || given && !strings.EqualFold(charset, "utf-8") {
		return &Refusal{Status: http.StatusUnsupportedMediaType, Detail: "the body must be application/json"}
	}
	if encoding := h.Get("Content-Encoding"); encoding != "" && encoding != "identity" {
		return &Refusal{Status: http.StatusUnsupportedMediaType, Detail: "the body must not be encoded"}
	}
	return nil
}

// explained describes the fault of a body without naming the program's types.
func explained(err error) *Refusal {
	if e, ok := errors.AsType[*json.SemanticError](err); ok {
		field := printable(e.JSONPointer.LastToken())
		switch {
		case errors.Is(err, json.ErrUnknownName):
			return malformed(field, field+" is not a known field")
		case field != "":
			return malformed(field, field+" has a value of the wrong kind")
		}
	}
	if e, ok := errors.AsType[*jsontext.SyntacticError](err); ok && errors.Is(err, jsontext.ErrDuplicateName) {
		field := printable(e.JSONPointer.LastToken())
		return malformed(field, field+" comes twice")
	}
	return malformed("", "the body is not the JSON object that is asked for")
}

func malformed(field, detail string) *Refusal {
	return &Refusal{Status: http.StatusBadRequest, Type: ProblemMalformed, Field: field, Detail: detail}
}

// printable shortens a name that a stranger chose, for use in a sentence.
func printable(name string) string {
	const longest = 40
	clean := make([]rune, 0, longest)
	for _, r := range name {
		if len(clean) == longest {
			return string(clean) + "…"
		}
		if r < 0x20 || r >= 0x7f {
			r = '?'
		}
		clean = append(clean, r)
	}
	return string(clean)
}
