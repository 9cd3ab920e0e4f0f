package main

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTheCommandSaysWhatItSaw(t *testing.T) {
	down := httptest.NewServer(http.NotFoundHandler())
	defer down.Close()
	odd := filepath.Join(t.TempDir(), "odd.json")
	if err := os.WriteFile(odd, []byte(`{"name":"odd"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		args []string
		code int
		says string
	}{
		"help":            {[]string{"-h"}, 0, "usage: servercheck"},
		"no URL":          {nil, 2, "usage: servercheck"},
		"unknown flag":    {[]string{"-x", down.URL}, 2, "-x"},
		"unknown profile": {[]string{"-profile", "none", down.URL}, 2, "engagement, likes"},
		"bad profile":     {[]string{"-profile", odd, down.URL}, 2, "check: profile: "},
		"another server":  {[]string{down.URL}, 1, "FAIL         profile"},
	} {
		var out bytes.Buffer
		if code := run(t.Context(), c.args, &out, &out); code != c.code || !strings.Contains(out.String(), c.says) {
			t.Errorf("%s: code %d, and should be %d with %q:\n%s", name, code, c.code, c.says, &out)
		}
	}
}

func TestARestartMayLeaveAServerBehind(t *testing.T) {
	if err := shell(t.Context(), "sleep 20 & exit 0"); err != nil {
		t.Error(err)
	}
	if err := shell(t.Context(), "exit 3"); err == nil {
		t.Error("a command that fails is taken")
	}
}
