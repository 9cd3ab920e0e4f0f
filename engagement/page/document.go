package page

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"text/template"
	"time"

	"github.com/optimist-go/optimist/engagement/web"
	"github.com/optimist-go/optimist/engagement/wire"
)

// First returns the content with which the page begins, for a request of the page:
// [web.PageSize] posts, as the user of the request sees them.
type First func(r *http.Request) (wire.First, error)

// document is the page. Its style and its smallest script are in the markup, so that the
// posts can be read, and tapped, after one round trip to the server.
type document struct {
	template    *template.Template
	style, keep string
	shell       []byte // without content
}

func newDocument() (*document, error) {
	d := &document{}
	text := make(map[string]string)
	for _, name := range []string{"index.html", "style.css", "keep.js"} {
		data, err := assets.ReadFile("assets/" + name)
		if err != nil {
			return nil, err
		}
		text[name] = string(data)
	}
	var err error
	if d.template, err = template.New("page").Parse(text["index.html"]); err != nil {
		return nil, err
	}
	d.style, d.keep = text["style.css"], text["keep.js"]
	d.shell, err = d.render(web.ServeShell(), "", "")
	return d, err
}

// with returns the page with its first content.
func (d *document) with(f wire.First) ([]byte, error) {
	data, err := json.Marshal(f) // it escapes <, so that no text ends the script
	if err != nil {
		return nil, err
	}
	return d.render(web.Serve(f, time.Now()), f.Session.Name, string(data))
}

func (d *document) render(content web.Served, user, first string) ([]byte, error) {
	var out bytes.Buffer
	err := d.template.Execute(&out, struct {
		web.Served
		Style, Keep, User, First string
	}{content, d.style, d.keep, template.HTMLEscapeString(user), first})
	return out.Bytes(), err
}

// allow adds the page's own style and script to the policy in force, by their hashes.
func (d *document) allow(policy string) string {
	policy = strings.Replace(policy, "script-src 'self'", "script-src 'self' "+hashSource(d.keep), 1)
	return strings.Replace(policy, "style-src 'self'", "style-src 'self' "+hashSource(d.style), 1)
}

func hashSource(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}
