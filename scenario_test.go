package optimist_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
)

var rewrite = flag.Bool("rewrite", false, "write what the scenarios say now into testdata/scenario; read the diff before committing it")

// TestScenario runs the scripts of testdata/scenario, which docs/scenarios.md
// describes. Time in them is virtual.
func TestScenario(t *testing.T) {
	files, err := filepath.Glob("testdata/scenario/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no scenarios", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			script := parseScript(string(data))
			synctest.Test(t, func(t *testing.T) { script.run() })
			if *rewrite {
				if err := os.WriteFile(file, []byte(script.text(true)), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			for _, b := range script.blocks {
				if b.want != b.got {
					t.Errorf("line %d:\n%s\nsays:\n%s\nwant:\n%s", b.line, strings.Join(b.commands, "\n"), b.got, b.want)
				}
			}
		})
	}
}

// script is a title, and blocks of commands with what they say.
type script struct {
	title  []string // lines that begin with #
	blocks []*block
}

type block struct {
	line     int
	comments []string
	commands []string
	want     string
	got      string
}

// parseScript reads blocks apart at blank lines. Within one, "----" parts the
// commands from what they say.
func parseScript(text string) *script {
	s := &script{}
	var b *block
	said := false
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimRight(line, " \r")
		switch {
		case line == "":
			b, said = nil, false
		case b == nil && strings.HasPrefix(line, "#") && len(s.blocks) == 0 && len(s.title) == i:
			s.title = append(s.title, line)
		case b == nil:
			b = &block{line: i + 1}
			s.blocks = append(s.blocks, b)
			fallthrough
		default:
			switch {
			case said:
				b.want += line + "\n"
			case line == "----":
				said = true
			case strings.HasPrefix(line, "#"):
				b.comments = append(b.comments, line)
			default:
				b.commands = append(b.commands, line)
			}
		}
	}
	return s
}

func (s *script) text(got bool) string {
	var out strings.Builder
	for _, line := range s.title {
		out.WriteString(line + "\n")
	}
	for _, b := range s.blocks {
		out.WriteString("\n")
		for _, line := range append(b.comments, b.commands...) {
			out.WriteString(line + "\n")
		}
		if said := map[bool]string{true: b.got, false: b.want}[got]; said != "" {
			out.WriteString("----\n" + said)
		}
	}
	return out.String()
}

// run plays all blocks in one world.
func (s *script) run() {
	w := newStage()
	for _, b := range s.blocks {
		for _, c := range b.commands {
			b.got += w.command(c)
		}
	}
	w.leave()
}

// TestScenarioForEveryLaw: a law that can be told as a story has one. Laws 29 and 31 to
// 33 are about disks and processes; journal_test.go and the journals' own tests hold them.
func TestScenarioForEveryLaw(t *testing.T) {
	for law := 1; law <= 50; law++ {
		switch {
		case law == 29, 31 <= law && law <= 33:
			continue
		}
		files, err := filepath.Glob(fmt.Sprintf("testdata/scenario/law%02d_*.txt", law))
		if err != nil || len(files) == 0 {
			t.Errorf("law %d has no scenario", law)
		}
	}
}
