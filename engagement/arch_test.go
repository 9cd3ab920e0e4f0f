package engagement_test

import (
	"encoding/json"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// rule says which packages may not import which, and why.
var rules = []struct {
	importer string // suffix below the module; "" is the root
	banned   []string
	why      string
}{
	{"", []string{"net/http", "database/sql", "testing", "/sqlstore", "/httpapi", "/fault"}, "the domain knows no technology"},
	{"/wire", []string{"net/http", "net", "net/url", "log/slog", "database/sql", "testing", "context"}, "the browser links it"},
	{"/sqlstore", []string{"testing", "/httpapi", "/fault"}, "adapters know each other by the domain only"},
	{"/httpapi", []string{"database/sql", "testing", "/sqlstore", "/fault"}, "adapters know each other by the domain only"},
	{"/fault", []string{"database/sql", "testing", "/sqlstore", "/httpapi"}, "a bad network does not depend on its traffic; package wire has the panel's JSON"},
	{"/client", []string{"net/http", "net", "net/url", "log/slog", "testing", "", "/httpapi", "/fault", "/web"}, "the browser links it, and it knows no network of its own"},
	{"/transport/nethttp", []string{"testing", "", "/httpapi", "/fault"}, "a client knows of its server what is on the wire"},
	{"/transport/browser", []string{"net/http", "net", "net/url", "log/slog", "testing", "", "/httpapi", "/fault", "/web"}, "the browser links it"},
	{"/web", []string{"net/http", "net", "net/url", "log/slog", "testing", "", "/httpapi", "/fault"}, "the browser links it"},
	{"/page", []string{"testing", "/httpapi", "/fault", "/client"}, "it gives files out"},
	{"/load", []string{"testing", "", "/httpapi", "/fault", "/engaged", "/web"}, "it may run against any server"},
	{"/fleet", []string{"testing", "", "/engaged", "/load", "/httpapi"}, "it runs any server"},
	{"/engaged", []string{"testing"}, "test code stays out of the program"},
	{"/cmd/engaged", []string{"testing", "database/sql"}, "the command only starts things"},
}

// heavy are packages that the page must not link, not even through others: it would
// take longer to load.
var heavy = []string{"encoding/json", "fmt", "os", "log/slog", "crypto/rand", "net/url", "net/http", "html/template", "testing"}

const module = "github.com/optimist-go/optimist/engagement"

// TestImports keeps the packages where they belong. It also ensures that the
// application uses only the library's public packages.
func TestImports(t *testing.T) {
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports,Doc", "./...").Output()
	if err != nil {
		t.Skipf("go list is not available: %v", err)
	}
	type listed struct {
		ImportPath string
		Imports    []string
		Doc        string
	}
	found := make(map[string]listed)
	for dec := json.NewDecoder(strings.NewReader(string(out))); dec.More(); {
		var p listed
		if err := dec.Decode(&p); err != nil {
			t.Fatal(err)
		}
		found[p.ImportPath] = p
		if p.Doc == "" {
			t.Errorf("%s has no package comment", p.ImportPath)
		}
		for _, imported := range p.Imports {
			if strings.HasPrefix(imported, "github.com/optimist-go/optimist/internal") {
				t.Errorf("%s imports %s: the application must do with the public interface", p.ImportPath, imported)
			}
		}
	}
	for _, r := range rules {
		p, ok := found[module+r.importer]
		if !ok {
			t.Errorf("there is no package %s: the rule is out of date", module+r.importer)
		}
		for _, imported := range p.Imports {
			for _, banned := range r.banned {
				if imported == banned || banned == "" && imported == module || strings.HasPrefix(banned, "/") && imported == module+banned {
					t.Errorf("%s imports %s: %s", p.ImportPath, imported, r.why)
				}
			}
		}
	}
}

// TestPageIsLight looks at all that the page links.
func TestPageIsLight(t *testing.T) {
	list := exec.Command("go", "list", "-deps", "./cmd/page")
	list.Env = append(list.Environ(), "GOOS=js", "GOARCH=wasm")
	out, err := list.Output()
	if err != nil {
		t.Skipf("go list is not available: %v", err)
	}
	for _, dep := range strings.Fields(string(out)) {
		if slices.Contains(heavy, dep) {
			t.Errorf("the page links %s: it must stay light", dep)
		}
	}
}
