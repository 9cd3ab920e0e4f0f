package wire

import (
	"encoding/json"
	"reflect"
	"testing"
	"unicode/utf8"
)

const someID = "01932c07-209b-7b4e-8a0e-5d3d1a2b3c4d"

// fuzzBody checks of a strict decoder that it never panics, that accepted values
// are within bounds, and that they survive a round trip.
func fuzzBody[T any](f *testing.F, decode func([]byte) (T, error), seeds ...string) {
	for _, s := range append(seeds, `{}`, `null`, `[]`, `{"at":"1","at":"2"}`, "{\"client\":\"\xff\"}", `{"x":1}`, `{"at":"1e3"}`, `{"at":117440512,"client":"phone"}`, `{"at":"9223372036854775807","client":"phone"}`) {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := decode(data)
		if err != nil {
			switch err.(type) {
			case *MalformedError, *InvalidError:
			default:
				t.Fatalf("error of type %T: %v", err, err)
			}
			if !utf8.ValidString(err.Error()) || len(err.Error()) > 300 {
				t.Fatalf("error is not fit to be shown: %q", err)
			}
			return
		}
		again, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		w, err := decode(again)
		if err != nil || !reflect.DeepEqual(v, w) {
			t.Fatalf("%s -> %+v -> %s -> %+v, %v", data, v, again, w, err)
		}
	})
}

func FuzzDecodeChange(f *testing.F) {
	fuzzBody(f, DecodeChange, `{"at":"117440512","client":"phone"}`)
}

func FuzzDecodeCommentText(f *testing.F) {
	fuzzBody(f, DecodeCommentText, `{"at":"117440512","client":"phone","text":"well said \ud83d\udc4d"}`)
}

func FuzzDecodeNewPost(f *testing.F) {
	fuzzBody(f, DecodeNewPost, `{"at":"117440512","client":"phone","id":"`+someID+`","text":"hello"}`)
}

func FuzzDecodeSignIn(f *testing.F) {
	fuzzBody(f, DecodeSignIn, `{"name":"ada"}`)
}

func FuzzDecodeCursor(f *testing.F) {
	f.Add(Cursor{Order: 1763823482000, ID: someID}.String())
	f.Add(Cursor{ID: someID, Sort: MostLiked}.String())
	f.Add("")
	f.Add("MQ")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := DecodeCursor(text)
		if err != nil {
			return
		}
		if c.String() != text {
			t.Fatalf("%q decodes to %+v, whose text is %q", text, c, c.String())
		}
	})
}

// fuzzAnswer checks of a client's decoder that it never panics and that accepted
// values are accepted again.
func fuzzAnswer[T any](f *testing.F, decode func([]byte) (T, error), seeds ...string) {
	for _, s := range append(seeds, `{}`, `null`, `{"id":"`+someID+`","version":-1}`) {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := decode(data)
		if err != nil {
			return
		}
		again, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := decode(again); err != nil {
			t.Fatalf("%s is accepted, its copy %s is not: %v", data, again, err)
		}
	})
}

const someTruth = `{"id":"` + someID + `","state":{"id":"` + someID + `","author":"ada","text":"hi","createdAt":1,` +
	`"likesCount":1,"savesCount":0,"commentsCount":1,"liked":true,"saved":false,"comments":[{"id":"` + someID +
	`","postId":"` + someID + `","author":"bob","text":"yes","createdAt":2,"number":1}]},"version":3,"changedAt":2,"contains":["k1"],"position":"7.12"}`

func FuzzDecodeTruth(f *testing.F)   { fuzzAnswer(f, DecodeTruth, someTruth) }
func FuzzDecodeOutcome(f *testing.F) { fuzzAnswer(f, DecodeOutcome, someTruth) }
func FuzzDecodePage(f *testing.F) {
	fuzzAnswer(f, DecodePage, `{"posts":[`+someTruth+`],"after":7}`)
}
func FuzzDecodeCommentPage(f *testing.F) {
	fuzzAnswer(f, DecodeCommentPage, `{"comments":[{"id":"`+someID+`","number":3}],"older":"x","version":4,"position":"1.2"}`)
}
func FuzzDecodeSession(f *testing.F) {
	fuzzAnswer(f, DecodeSession, `{"name":"ada","expiresAt":1}`)
}
func FuzzDecodeHello(f *testing.F) { fuzzAnswer(f, DecodeHello, `{"after":1,"viewer":""}`) }
func FuzzDecodeProblem(f *testing.F) {
	fuzzAnswer(f, DecodeProblem, `{"type":"/problems/conflict","title":"t","status":409,"truth":`+someTruth+`,"winner":{"at":"1","client":"c"}}`)
}
