package optimist_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestReadmeSnippet keeps the first program of the README to what runs as a test.
func TestReadmeSnippet(t *testing.T) {
	_, snippet, ok := strings.Cut(read(t, "README.md"), "```go\n")
	snippet, _, end := strings.Cut(snippet, "```")
	if !ok || !end {
		t.Fatal("there is no Go code in README.md")
	}
	indented := "\t" + strings.ReplaceAll(strings.TrimSuffix(snippet, "\n"), "\n", "\n\t")
	indented = strings.ReplaceAll(indented, "\t\n", "\n")
	if !strings.Contains(read(t, "example_like_test.go"), indented) {
		t.Errorf("example_like_test.go does not contain\n%s", indented)
	}
}

// TestReadmeCommands looks at the commands and paths in the documents: each test that
// is named must be there, each folder and each file, too.
func TestReadmeCommands(t *testing.T) {
	for _, doc := range documents(t) {
		text := read(t, doc)
		prose := regexp.MustCompile("(?s)```go.*?```").ReplaceAllString(text, "")
		for _, m := range regexp.MustCompile(`\]\(([\w./-]+)[)#]`).FindAllStringSubmatch(prose, -1) {
			if _, err := os.Stat(filepath.Join(filepath.Dir(doc), m[1])); err != nil {
				t.Errorf("%s links to %s: %v", doc, m[1], err)
			}
		}
		for _, m := range regexp.MustCompile("go run (\\./[^ `\n]+)").FindAllStringSubmatch(text, -1) {
			if found, _ := filepath.Glob(filepath.Join(m[1], "*.go")); len(found) == 0 {
				t.Errorf("%s runs %s, where there is no program", doc, m[1])
			}
		}
		for _, m := range regexp.MustCompile("go test ([^`\n#]*)").FindAllStringSubmatch(text, -1) {
			folders, patterns := tested(m[1])
			for _, dir := range folders {
				if found, _ := filepath.Glob(filepath.Join(dir, "*_test.go")); len(found) == 0 {
					t.Errorf("%s tests %s, where there are no tests", doc, dir)
				}
				for _, pattern := range patterns {
					if !declares(t, dir, pattern) {
						t.Errorf("%s: no test, benchmark or fuzz target in %s matches %s", doc, dir, pattern)
					}
				}
			}
		}
	}
}

// documents are the files that people read first.
func documents(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, pattern := range []string{"*.md", "docs/*.md", "bench/*.md"} {
		found, err := filepath.Glob(pattern)
		if err != nil || len(found) == 0 {
			t.Fatalf("there is no %s: %v", pattern, err)
		}
		all = append(all, found...)
	}
	return all
}

// tested reads the arguments of go test: single folders, and the names of tests,
// benchmarks and fuzz targets.
func tested(args string) (folders, patterns []string) {
	words := strings.Fields(args)
	for i, word := range words {
		flag, value, _ := strings.Cut(word, "=")
		switch {
		case strings.HasPrefix(word, ".") && !strings.HasSuffix(word, "..."):
			folders = append(folders, word)
		case flag == "-run" || flag == "-bench" || flag == "-fuzz":
			if value == "" && i+1 < len(words) {
				value = words[i+1]
			}
			patterns = append(patterns, strings.ReplaceAll(strings.Trim(value, "'"), `\|`, "|")) // escaped in tables
		}
	}
	return folders, patterns
}

// declares reports whether a folder has a test function that a pattern matches.
func declares(t *testing.T, dir, pattern string) bool {
	t.Helper()
	files, _ := filepath.Glob(filepath.Join(dir, "*_test.go"))
	name := regexp.MustCompile(pattern)
	for _, file := range files {
		for _, m := range regexp.MustCompile(`(?m)^func ((?:Test|Benchmark|Fuzz|Example)\w*)\(`).FindAllStringSubmatch(read(t, file), -1) {
			if name.MatchString(m[1]) {
				return true
			}
		}
	}
	return pattern == "." || pattern == "^$"
}

func read(t *testing.T, file string) string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
