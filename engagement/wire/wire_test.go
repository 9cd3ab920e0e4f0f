package wire

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode"

	"github.com/optimist-go/optimist/engagement/leanjson"
)

func TestStrictBodies(t *testing.T) {
	good := `{"at":"117440512","client":"phone","text":"hi"}`
	if c, err := DecodeCommentText([]byte(good)); err != nil || c.At != 117440512 || c.Client != "phone" || c.Text != "hi" {
		t.Fatalf("good body: %+v, %v", c, err)
	}
	for _, row := range []struct{ name, body, field, kind string }{
		{"empty", ``, "", "malformed"},
		{"not an object", `[1]`, "", "malformed"},
		{"null", `null`, "", "malformed"},
		{"cut", `{"at":"1"`, "", "malformed"},
		{"two values", good + good, "", "malformed"},
		{"trailing text", good + `x`, "", "malformed"},
		{"missing field", `{"at":"117440512","client":"phone"}`, "text", "malformed"},
		{"unknown field", `{"at":"117440512","client":"phone","text":"hi","on":true}`, "on", "malformed"},
		{"another case", `{"AT":117440512,"client":"phone","text":"hi"}`, "AT", "malformed"},
		{"twice", `{"at":"117440512","at":"117440513","client":"phone","text":"hi"}`, "at", "malformed"},
		{"null field", `{"at":null,"client":"phone","text":"hi"}`, "at", "malformed"},
		{"number for moment", `{"at":117440512,"client":"phone","text":"hi"}`, "at", "malformed"},
		{"list for moment", `{"at":["117440512"],"client":"phone","text":"hi"}`, "at", "malformed"},
		{"fraction", `{"at":"117440512.5","client":"phone","text":"hi"}`, "at", "invalid"},
		{"exponent", `{"at":"117440512e0","client":"phone","text":"hi"}`, "at", "invalid"},
		{"no digits", `{"at":"","client":"phone","text":"hi"}`, "at", "invalid"},
		{"word for moment", `{"at":"now","client":"phone","text":"hi"}`, "at", "invalid"},
		{"zeros in front", `{"at":"0117440512","client":"phone","text":"hi"}`, "at", "invalid"},
		{"plus in front", `{"at":"+117440512","client":"phone","text":"hi"}`, "at", "invalid"},
		{"space in front", `{"at":" 117440512","client":"phone","text":"hi"}`, "at", "invalid"},
		{"digits of another script", `{"at":"١١٧٤٤٠٥١٢","client":"phone","text":"hi"}`, "at", "invalid"},
		{"beyond 64 bits", `{"at":"9223372036854775808","client":"phone","text":"hi"}`, "at", "invalid"},
		{"number for text", `{"at":"117440512","client":"phone","text":5}`, "text", "malformed"},
		{"zero stamp", `{"at":"0","client":"phone","text":"hi"}`, "at", "invalid"},
		{"negative stamp", `{"at":"-5","client":"phone","text":"hi"}`, "at", "invalid"},
		{"empty client", `{"at":"117440512","client":"","text":"hi"}`, "client", "invalid"},
		{"client with space", `{"at":"117440512","client":"my phone","text":"hi"}`, "client", "invalid"},
		{"blank text", `{"at":"117440512","client":"phone","text":" \n\u200b"}`, "text", "invalid"},
		{"braille blank", `{"at":"117440512","client":"phone","text":"\u2800"}`, "text", "invalid"},
		{"Hangul filler", `{"at":"117440512","client":"phone","text":"\u3164\u115f\uffa0"}`, "text", "invalid"},
		{"soft hyphen", `{"at":"117440512","client":"phone","text":"\u00ad"}`, "text", "invalid"},
		{"variation selector", `{"at":"117440512","client":"phone","text":"\ufe0f"}`, "text", "invalid"},
		{"marks on nothing", `{"at":"117440512","client":"phone","text":"\u0301 \u20dd"}`, "text", "invalid"},
		{"no character", `{"at":"117440512","client":"phone","text":"a\uffff"}`, "text", "invalid"},
		{"byte order mark the wrong way round", `{"at":"117440512","client":"phone","text":"a\ufffe"}`, "text", "invalid"},
		{"no character in the middle", `{"at":"117440512","client":"phone","text":"a\ufdd0b"}`, "text", "invalid"},
		{"no character, last of them", `{"at":"117440512","client":"phone","text":"a\ufdef"}`, "text", "invalid"},
		{"no character of a higher plane", `{"at":"117440512","client":"phone","text":"a\ud83f\udffe"}`, "text", "invalid"},
		{"no character of the last plane", "{\"at\":\"117440512\",\"client\":\"phone\",\"text\":\"a\U0010ffff\"}", "text", "invalid"},
		{"letter with 999 marks", `{"at":"117440512","client":"phone","text":"a` + strings.Repeat(`\u0301`, MaxCommentText-1) + `"}`, "text", "invalid"},
		{"letter with a mark too many", `{"at":"117440512","client":"phone","text":"a` + strings.Repeat(`\u0e49`, MaxMarks+1) + `"}`, "text", "invalid"},
		{"marks with nothing between", `{"at":"117440512","client":"phone","text":"a` + strings.Repeat(`\u0489\u200d`, MaxMarks+1) + `"}`, "text", "invalid"},
		{"override of direction", `{"at":"117440512","client":"phone","text":"a\u202eb"}`, "text", "invalid"},
		{"isolate", `{"at":"117440512","client":"phone","text":"a\u2066b"}`, "text", "invalid"},
		{"first half of a pair", `{"at":"117440512","client":"phone","text":"a\ud800b"}`, "", "malformed"},
		{"second half of a pair", `{"at":"117440512","client":"phone","text":"a\udc00"}`, "", "malformed"},
		{"pair the wrong way round", `{"at":"117440512","client":"phone","text":"\udc4d\ud83d"}`, "", "malformed"},
		{"half a pair twice", `{"at":"117440512","client":"phone","text":"\ud83d\ud83d"}`, "", "malformed"},
		{"half a pair and a letter", `{"at":"117440512","client":"phone","text":"\ud83d\u0041"}`, "", "malformed"},
		{"half a pair in a name", `{"at":"117440512","client":"phone","text":"hi","\ud800":1}`, "", "malformed"},
		{"half a pair in a client", `{"at":"117440512","client":"\uDBFF","text":"hi"}`, "", "malformed"},
		{"nul in text", `{"at":"117440512","client":"phone","text":"a\u0000b"}`, "text", "invalid"},
		{"long text", `{"at":"117440512","client":"phone","text":"` + strings.Repeat("é", MaxCommentText+1) + `"}`, "text", "invalid"},
	} {
		t.Run(row.name, func(t *testing.T) {
			_, err := DecodeCommentText([]byte(row.body))
			if m, ok := errors.AsType[*MalformedError](err); ok && row.kind == "malformed" && m.Field == row.field {
				return
			}
			if i, ok := errors.AsType[*InvalidError](err); ok && row.kind == "invalid" && i.Field == row.field {
				return
			}
			t.Fatalf("got %T %v, want %s of %q", err, err, row.kind, row.field)
		})
	}
}

// TestStampsAreExactInEveryLanguage: a number beyond 2^53 is not.
func TestStampsAreExactInEveryLanguage(t *testing.T) {
	const digits = "115594171645952007"
	c, err := DecodeChange([]byte(`{"at":"` + digits + `","client":"phone"}`))
	if err != nil || c.At != 115594171645952007 {
		t.Fatalf("%+v, %v", c, err)
	}
	problem := Problem{Type: ProblemConflict, Title: "Conflict", Status: 409, Winner: &Winner{At: c.At, Client: "phone"}}
	for name, v := range map[string]any{"request": c, "problem": problem} {
		full, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		lean, err := leanjson.Marshal(v)
		if err != nil || string(lean) != string(full) || !strings.Contains(string(full), `"at":"`+digits+`"`) {
			t.Errorf("%s: %s, %s, %v", name, full, lean, err)
		}
	}
	p, err := DecodeProblem([]byte(`{"type":"` + ProblemConflict + `","title":"","status":409,"winner":{"at":"` + digits + `","client":"phone"}}`))
	if err != nil || p.Winner == nil || *p.Winner != *problem.Winner {
		t.Fatalf("%+v, %v", p, err)
	}
	_, err = DecodeChange([]byte(`{"at":` + digits + `,"client":"phone"}`))
	if err == nil || err.Error() != "at must be a JSON string" {
		t.Fatalf("a number: %v", err)
	}
}

// TestTextsOfTheWorld are not to be mistaken for blank or malformed ones.
func TestTextsOfTheWorld(t *testing.T) {
	for text, want := range map[string]string{
		`e\u0301`: "e\u0301", "हिन्दी": "हिन्दी", "한국어": "한국어", "\u200fעברית": "\u200fעברית", "⠓⠊": "⠓⠊",
		`\ud83d\udc4d\uFE0F`: "👍\ufe0f", "👩‍👩‍👧": "👩‍👩‍👧", "!": "!", "\U0001FADC": "\U0001FADC",
		"a" + strings.Repeat("\u0301", MaxMarks) + "b\u0301": "a" + strings.Repeat("\u0301", MaxMarks) + "b\u0301",
		"ཧཀྵྨླྺྼྻྂ":                                          "ཧཀྵྨླྺྼྻྂ", "ที่นี้": "ที่นี้", "שָׁלוֹם": "שָׁלוֹם", "❤️‍🔥": "❤️‍🔥", "🏴󠁧󠁢󠁳󠁣󠁴󠁿": "🏴󠁧󠁢󠁳󠁣󠁴󠁿", "\ufdf0\ue000": "\ufdf0\ue000",
		`\\ud800`: `\ud800`, `\\\\ud800`: `\\ud800`, `\\\ud83d\udc4d`: `\👍`, `\"\ud83d\udc4d\n`: "\"👍\n", "\ufffd": "\ufffd",
	} {
		c, err := DecodeCommentText([]byte(`{"at":"117440512","client":"phone","text":"` + text + `"}`))
		if err != nil || c.Text != want {
			t.Errorf("%s: %q, %v", text, c.Text, err)
		}
	}
}

func TestLongestTextFitsTheBodyLimit(t *testing.T) {
	escaped := strings.Repeat(`\ud83d\udc4d`, MaxPostText)
	body := `{"at":"117440512","client":"` + strings.Repeat("c", MaxClient) + `","id":"` + someID + `","text":"` + escaped + `"}`
	p, err := DecodeNewPost([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	if p.Text != strings.Repeat("👍", MaxPostText) {
		t.Fatal("the text changed on its way")
	}
}

func TestCheckID(t *testing.T) {
	for id, good := range map[string]bool{
		someID:                                  true,
		"":                                      false,
		"42":                                    false,
		strings.ToUpper(someID):                 false,
		"01932c07-209b-4b4e-8a0e-5d3d1a2b3c4d":  false, // version 4
		"01932c07-209b-7b4e-ca0e-5d3d1a2b3c4d":  false, // another variant
		"01932c07-209b-7b4e-8a0e-5d3d1a2b3c4dd": false,
		"01932c07-209b-7b4e-8a0e-5d3d1a2b3c4g":  false,
		"01932c07209b7b4e8a0e5d3d1a2b3c4d----":  false,
	} {
		if got := CheckID("id", id) == nil; got != good {
			t.Errorf("%q: accepted %v, want %v", id, got, good)
		}
	}
}

func TestStampPacks(t *testing.T) {
	s := NewStamp(1_763_823_482_123, 0xbeef)
	if s.Milliseconds() != 1_763_823_482_123 || s.Counter() != 0xbeef {
		t.Fatalf("%d: %d, %d", s, s.Milliseconds(), s.Counter())
	}
	if NewStamp(5, 0xffff) >= NewStamp(6, 0) {
		t.Fatal("a later millisecond must be a greater stamp whatever the counter")
	}
	if NewStamp(1<<60, 0) < 0 || NewStamp(-1, 3).Milliseconds() != 0 {
		t.Fatal("readings outside of the range must be clamped")
	}
}

func TestTruthIsFlatJSON(t *testing.T) {
	truth, err := DecodeOutcome([]byte(someTruth))
	if err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(truth)
	if err != nil {
		t.Fatal(err)
	}
	if string(data) != someTruth {
		t.Fatalf("got  %s\nwant %s", data, someTruth)
	}
}

func TestAnswersThatAClientCannotStandOnAreRefused(t *testing.T) {
	for name, body := range map[string]string{
		"no id":            `{"version":1}`,
		"no version":       `{"id":"` + someID + `"}`,
		"another post":     strings.Replace(someTruth, `"state":{"id":"0`, `"state":{"id":"1`, 1),
		"negative likes":   strings.Replace(someTruth, `"likesCount":1`, `"likesCount":-1`, 1),
		"comments > count": strings.Replace(someTruth, `"commentsCount":1`, `"commentsCount":0`, 1),
		"no position":      strings.Replace(someTruth, `"7.12"`, `"712"`, 1),
		"no number":        strings.Replace(someTruth, `"number":1`, `"number":0`, 1),
		"not JSON":         `<html>`,
	} {
		if body == someTruth {
			t.Errorf("%s: it is a good one", name)
		}
		if _, err := DecodeTruth([]byte(body)); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	other := strings.Replace(someID, "0", "1", 1)
	page := `{"comments":[{"id":"` + someID + `","number":3},{"id":"` + other + `","number":5}],"older":"x","version":4,"position":"1.2"}`
	if p, err := DecodeCommentPage([]byte(page)); err != nil || p.Version != 4 || p.Position != "1.2" || p.Comments[1].Number != 5 {
		t.Errorf("%+v, %v", p, err)
	}
	for name, body := range map[string]string{
		"no version":      strings.Replace(page, `"version":4`, `"version":0`, 1),
		"no position":     strings.Replace(page, `"1.2"`, `"12"`, 1),
		"no number":       strings.Replace(page, `"number":3`, `"number":0`, 1),
		"another order":   strings.Replace(page, `"number":5`, `"number":3`, 1),
		"no id":           strings.Replace(page, someID, "c", 1),
		"one twice":       strings.Replace(page, other, someID, 1),
		"older than none": `{"comments":[],"older":"x","version":4,"position":"1.2"}`,
	} {
		if _, err := DecodeCommentPage([]byte(body)); err == nil {
			t.Errorf("a page of comments, %s: accepted", name)
		}
	}
}

// TestBlankIsWhatUnicodeSays compares the ranges with the tables: no space, format
// character or ignorable character may be missing, and no letter, number or sign
// may be among them but for those that fill a place.
func TestBlankIsWhatUnicodeSays(t *testing.T) {
	for r := range rune(unicode.MaxRune) {
		fills := r == 0x2800 || unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r)
		switch visible := unicode.In(r, unicode.L, unicode.N, unicode.P, unicode.S); {
		case visible && !fills && isBlank(r):
			t.Errorf("%U %c is blank", r, r)
		case !isBlank(r) && (fills || unicode.In(r, unicode.Z, unicode.Cf) && !unicode.Is(unicode.Prepended_Concatenation_Mark, r) && r < 0x10000):
			t.Errorf("%U is not blank", r)
		}
	}
}
