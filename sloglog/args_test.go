package sloglog

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"
)

type line struct {
	Text string
	Next *line
	note *string
}

// TestArgsAreReadable: a log has what is behind pointers, in text and in JSON.
func TestArgsAreReadable(t *testing.T) {
	hello, seven := "hello", 7
	loop := &line{Text: "a"}
	loop.Next = loop
	for _, c := range []struct {
		args       any
		text, json string // parts of the log
	}{
		{nil, `args=<nil>`, `"args":null`},
		{line{Text: "a"}, `args="{Text:a Next:<nil> note:<nil>}"`, `"args":{"Text":"a","Next":null}`},
		{line{Text: "a", Next: &line{Text: "b"}, note: &hello}, `args="{Text:a Next:{Text:b Next:<nil> note:<nil>} note:hello}"`, `"args":{"Text":"a","Next":{"Text":"b","Next":null}}`},
		{&seven, `args=7`, `"args":7`},
		{[]*int{&seven, nil}, `args="[7 <nil>]"`, `"args":[7,null]`},
		{map[string]*int{"b": nil, "a": &seven}, `args="map[a:7 b:<nil>]"`, `"args":{"a":7,"b":null}`},
		{struct{ V any }{&seven}, `args={V:7}`, `"args":{"V":7}`},
		{struct{ At *time.Time }{new(time.Time)}, `args="{At:0001-01-01 00:00:00 +0000 UTC}"`, `"args":{"At":"0001-01-01T00:00:00Z"}`},
		{struct {
			Data []byte
			N    *int
		}{[]byte{1, 2}, &seven}, `args="{Data:[1 2] N:7}"`, `"args":{"Data":"AQI=","N":7}`},
		{time.Unix(0, 0).UTC(), `args=1970-01-01T00:00:00.000Z`, `"args":"1970-01-01T00:00:00Z"`},
		{*loop, `{Text:a Next:{Text:a`, `!ERROR`},
	} {
		var text, json bytes.Buffer
		slog.New(slog.NewTextHandler(&text, nil)).Info("x", "args", readable(c.args))
		slog.New(slog.NewJSONHandler(&json, nil)).Info("x", "args", readable(c.args))
		if !strings.Contains(text.String(), c.text) || strings.Contains(text.String(), "0xc0") {
			t.Errorf("%#v: %s want %s", c.args, &text, c.text)
		}
		if !strings.Contains(json.String(), c.json) {
			t.Errorf("%#v: %s want %s", c.args, &json, c.json)
		}
	}
}
