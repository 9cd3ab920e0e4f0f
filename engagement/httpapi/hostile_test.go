package httpapi_test

import (
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	"github.com/optimist-go/optimist/engagement"
	"github.com/optimist-go/optimist/engagement/httpapi"
	"github.com/optimist-go/optimist/engagement/sqlstore"
	"github.com/optimist-go/optimist/engagement/wire"
	"github.com/optimist-go/optimist/server/pgtest"
)

// hostile is one request that must be refused and must change nothing.
type hostile struct {
	name    string
	method  string
	path    string // P, C: a post of ada's and bob's comment on it; N: an id of nothing
	body    string
	header  map[string]string
	status  int
	problem string
}

// attacker is bob, signed in, with a fresh key, unless a row's header says otherwise.
func hostileRows() []hostile {
	at := fmt.Sprintf(`"%d"`, stampAt(0))
	change := `{"at":` + at + `,"client":"phone"}`
	text := `{"at":` + at + `,"client":"phone","text":"hi"}`
	textOf := func(s string) string { return `{"at":` + at + `,"client":"phone","text":"` + s + `"}` }
	postOf := func(id, s string) string {
		return `{"at":` + at + `,"client":"phone","id":"` + id + `","text":"` + s + `"}`
	}
	with := func(name, value string) map[string]string { return map[string]string{name: value} }
	bad, invalid, malformed := wire.ProblemBadRequest, wire.ProblemInvalid, wire.ProblemMalformed
	key := wire.HeaderKey
	return []hostile{
		// Who.
		{"like without a session", "PUT", "/v1/posts/P/like", change, with("Cookie", ""), 401, wire.ProblemUnauthenticated},
		{"like with a made-up session", "PUT", "/v1/posts/P/like", change, with("Cookie", "engaged_session=MSBzIGFkYSAxOTk5OTk5OTk5OTk5.AAAA"), 401, wire.ProblemUnauthenticated},
		{"like with an empty session", "PUT", "/v1/posts/P/like", change, with("Cookie", "engaged_session="), 401, wire.ProblemUnauthenticated},
		{"like with a very long session", "PUT", "/v1/posts/P/like", change, with("Cookie", "engaged_session="+strings.Repeat("A", 4000)), 401, wire.ProblemUnauthenticated},
		{"post without a session", "POST", "/v1/posts", postOf(engagement.NewID(), "x"), with("Cookie", ""), 401, wire.ProblemUnauthenticated},
		{"like from another site", "PUT", "/v1/posts/P/like", change, with("Sec-Fetch-Site", "cross-site"), 403, wire.ProblemCrossOrigin},
		{"like from another origin", "PUT", "/v1/posts/P/like", change, with("Origin", "https://evil.example"), 403, wire.ProblemCrossOrigin},
		{"sign in from another site", "POST", "/v1/session", `{"name":"bob"}`, with("Sec-Fetch-Site", "cross-site"), 403, wire.ProblemCrossOrigin},
		{"sign out from another site", "DELETE", "/v1/session", "", with("Sec-Fetch-Site", "same-site"), 403, wire.ProblemCrossOrigin},
		{"like for a host of another site", "PUT", "/v1/posts/P/like", change, with("Host", "evil.example"), 421, wire.ProblemMisdirected},
		{"like for a host and its origin", "PUT", "/v1/posts/P/like", change, map[string]string{"Host": "evil.example", "Origin": "http://evil.example"}, 421, wire.ProblemMisdirected},
		{"host that begins like ours", "GET", "/v1/posts", "", with("Host", "127.0.0.1.evil.example"), 421, wire.ProblemMisdirected},
		{"host that begins like ours, too", "GET", "/v1/posts", "", with("Host", "localhost.evil.example:80"), 421, wire.ProblemMisdirected},
		{"host of the network", "GET", "/v1/events", "", with("Host", "192.168.0.1:8080"), 421, wire.ProblemMisdirected},
		{"host that is every address", "GET", "/openapi.json", "", with("Host", "0.0.0.0"), 421, wire.ProblemMisdirected},
		{"host that is an address in one number", "GET", "/healthz", "", with("Host", "2130706433"), 421, wire.ProblemMisdirected},
		{"delete another's post", "DELETE", "/v1/posts/P", change, nil, 403, wire.ProblemForbidden},
		{"edit another's comment", "PATCH", "/v1/posts/P/comments/A", text, nil, 403, wire.ProblemForbidden},
		{"delete another's comment", "DELETE", "/v1/posts/P/comments/A", change, nil, 403, wire.ProblemForbidden},
		{"name another author", "POST", "/v1/posts", `{"at":` + at + `,"client":"phone","id":"` + engagement.NewID() + `","text":"x","author":"ada"}`, nil, 400, malformed},
		{"name another user", "PUT", "/v1/posts/P/like", `{"at":` + at + `,"client":"phone","user":"ada"}`, nil, 400, malformed},

		// Where.
		{"no such path", "GET", "/v2/posts", "", nil, 404, wire.ProblemNotFound},
		{"path with a slash too many", "GET", "/v1//posts", "", nil, 404, wire.ProblemNotFound},
		{"path with dots", "GET", "/v1/posts/../posts", "", nil, 404, wire.ProblemNotFound},
		{"path into the file system", "GET", "/v1/posts/%2e%2e%2f%2e%2e%2fetc%2fpasswd", "", nil, 404, wire.ProblemNotFound},
		{"trailing slash", "GET", "/v1/posts/", "", nil, 404, wire.ProblemNotFound},
		{"like of nothing", "PUT", "/v1/posts/N/like", change, nil, 404, wire.ProblemNotFound},
		{"comment on nothing", "PUT", "/v1/posts/N/comments/N", text, nil, 404, wire.ProblemNotFound},
		{"edit of nothing", "PATCH", "/v1/posts/P/comments/N", text, nil, 404, wire.ProblemNotFound},
		{"delete of nothing", "DELETE", "/v1/posts/P/comments/N", change, nil, 404, wire.ProblemNotFound},
		{"truth of nothing", "GET", "/v1/posts/N", "", nil, 404, wire.ProblemNotFound},
		{"comments of nothing", "GET", "/v1/posts/N/comments", "", nil, 404, wire.ProblemNotFound},
		{"like of what was deleted", "PUT", "/v1/posts/D/like", change, nil, 410, wire.ProblemGone},
		{"create what was deleted", "POST", "/v1/posts", postOf("D", "x"), nil, 410, wire.ProblemGone},
		{"post over another's", "POST", "/v1/posts", postOf("P", "mine now"), nil, 409, wire.ProblemConflict},
		{"comment over another's", "PUT", "/v1/posts/P/comments/A", text, nil, 409, wire.ProblemConflict},
		{"id that is a number", "PUT", "/v1/posts/42/like", change, nil, 400, bad},
		{"id with SQL", "PUT", "/v1/posts/1'%20OR%20'1'='1/like", change, nil, 400, bad},
		{"id with NUL", "PUT", "/v1/posts/%00/like", change, nil, 400, bad},
		{"id in capitals", "GET", "/v1/posts/UPPER", "", nil, 400, bad},
		{"id of version 4", "GET", "/v1/posts/01932c07-209b-4b4e-8a0e-5d3d1a2b3c4d", "", nil, 400, bad},
		{"id with a slash in it", "GET", "/v1/posts/a%2Fb", "", nil, 400, bad},
		{"comment id that is text", "PUT", "/v1/posts/P/comments/first", text, nil, 400, bad},
		{"very long id", "GET", "/v1/posts/" + strings.Repeat("a", 3000), "", nil, 400, bad},
		{"very long path", "GET", "/v1/posts/" + strings.Repeat("a", 5000), "", nil, 414, wire.ProblemURITooLong},

		// How.
		{"like by GET", "GET", "/v1/posts/P/like", "", nil, 405, wire.ProblemMethod},
		{"toggle by POST", "POST", "/v1/posts/P/like", change, nil, 405, wire.ProblemMethod},
		{"method that nobody knows", "FROBNICATE", "/v1/posts", change, nil, 405, wire.ProblemMethod},
		{"options", "OPTIONS", "/v1/posts", "", nil, 405, wire.ProblemMethod},
		{"put on the feed", "PUT", "/v1/posts", change, nil, 405, wire.ProblemMethod},
		{"head of events", "HEAD", "/v1/events", "", nil, 405, ""},
		{"large header", "GET", "/v1/posts", "", with("X-Large", strings.Repeat("x", 20_000)), 431, wire.ProblemHeaderTooLarge},
		{"form instead of JSON", "PUT", "/v1/posts/P/like", "at=1&client=phone", with("Content-Type", "application/x-www-form-urlencoded"), 415, wire.ProblemMediaType},
		{"no content type", "PUT", "/v1/posts/P/like", change, with("Content-Type", ""), 415, wire.ProblemMediaType},
		{"content type that is none", "PUT", "/v1/posts/P/like", change, with("Content-Type", "json;;"), 415, wire.ProblemMediaType},
		{"another charset", "PUT", "/v1/posts/P/like", change, with("Content-Type", "application/json; charset=utf-16"), 415, wire.ProblemMediaType},
		{"compressed body", "PUT", "/v1/posts/P/like", change, with("Content-Encoding", "gzip"), 415, wire.ProblemMediaType},
		{"large body", "PUT", "/v1/posts/P/comments/N", textOf(strings.Repeat("x", wire.MaxBody)), nil, 413, wire.ProblemTooLarge},
		{"body of spaces", "PUT", "/v1/posts/P/like", strings.Repeat(" ", wire.MaxBody+1), nil, 413, wire.ProblemTooLarge},
		{"no key", "PUT", "/v1/posts/P/like", change, with(key, ""), 400, wire.ProblemKeyMissing},
		{"key with a space", "PUT", "/v1/posts/P/like", change, with(key, "a b"), 400, bad},
		{"key of quotes", "PUT", "/v1/posts/P/like", change, with(key, `""`), 400, bad},
		{"key with half a quote", "PUT", "/v1/posts/P/like", change, with(key, `"abc`), 400, bad},
		{"very long key", "PUT", "/v1/posts/P/like", change, with(key, strings.Repeat("k", wire.MaxKey+1)), 400, bad},
		{"used key, other payload", "PUT", "/v1/posts/P/save", change, with(key, "used"), 422, wire.ProblemKeyReused},
		{"unknown query", "GET", "/v1/posts?offset=3", "", nil, 400, bad},
		{"query on an operation", "PUT", "/v1/posts/P/like?user=ada", change, nil, 400, bad},
		{"query twice", "GET", "/v1/posts?limit=1&limit=2", "", nil, 400, bad},
		{"query that cannot be read", "GET", "/v1/posts?limit=%zz", "", nil, 400, bad},
		{"limit zero", "GET", "/v1/posts?limit=0", "", nil, 400, bad},
		{"limit too large", "GET", "/v1/posts?limit=101", "", nil, 400, bad},
		{"limit that is text", "GET", "/v1/posts?limit=all", "", nil, 400, bad},
		{"cursor made up", "GET", "/v1/posts?cursor=abcdef", "", nil, 400, bad},
		{"cursor of another order", "GET", "/v1/posts?sort=likes&cursor=" + wire.Cursor{Order: 1, ID: engagement.NewID()}.String(), "", nil, 400, bad},
		{"cursor of the order by likes", "GET", "/v1/posts?cursor=" + wire.Cursor{Sort: wire.MostLiked, ID: engagement.NewID()}.String(), "", nil, 400, bad},
		{"cursor of posts, for comments", "GET", "/v1/posts/P/comments?cursor=" + wire.Cursor{Sort: wire.MostLiked, ID: engagement.NewID()}.String(), "", nil, 400, bad},
		{"cursor with negative likes", "GET", "/v1/posts?sort=likes&cursor=" + wire.Cursor{Sort: wire.MostLiked, Order: -1, ID: engagement.NewID()}.String(), "", nil, 400, bad},
		{"sort made up", "GET", "/v1/posts?sort=random", "", nil, 400, bad},
		{"sort twice", "GET", "/v1/posts?sort=likes&sort=likes", "", nil, 400, bad},
		{"author that is no name", "GET", "/v1/posts?author=%27%20OR%201%3D1", "", nil, 400, bad},
		{"author without a name", "GET", "/v1/posts?author=", "", nil, 400, bad},
		{"saved made up", "GET", "/v1/posts?saved=1", "", nil, 400, bad},
		{"saved without a session", "GET", "/v1/posts?saved=true", "", with("Cookie", ""), 401, wire.ProblemUnauthenticated},
		{"cursor with SQL", "GET", "/v1/posts/P/comments?cursor=%27%3B--", "", nil, 400, bad},
		{"negative position", "GET", "/v1/events?after=-1", "", nil, 400, bad},
		{"position that is text", "GET", "/v1/events", "", with("Last-Event-ID", "latest"), 400, bad},

		{"position with a sign", "GET", "/v1/events", "", with("Last-Event-ID", "+5"), 400, bad},
		{"position with a zero", "GET", "/v1/events?after=05", "", nil, 400, bad},
		{"position beyond 64 bits", "GET", "/v1/events?after=9223372036854775808", "", nil, 400, bad},

		// What.
		{"empty body", "PUT", "/v1/posts/P/like", "", with("Content-Type", "application/json"), 400, malformed},
		{"body that is no JSON", "PUT", "/v1/posts/P/like", "hello", nil, 400, malformed},
		{"body cut short", "PUT", "/v1/posts/P/like", change[:10], nil, 400, malformed},
		{"two bodies", "PUT", "/v1/posts/P/like", change + change, nil, 400, malformed},
		{"array", "PUT", "/v1/posts/P/like", "[" + change + "]", nil, 400, malformed},
		{"null", "PUT", "/v1/posts/P/like", "null", nil, 400, malformed},
		{"deep nesting", "PUT", "/v1/posts/P/like", strings.Repeat("[", 15_000) + strings.Repeat("]", 15_000), nil, 400, malformed},
		{"unknown field", "PUT", "/v1/posts/P/like", `{"at":` + at + `,"client":"phone","on":true}`, nil, 400, malformed},
		{"field twice", "PUT", "/v1/posts/P/like", `{"at":"1","at":` + at + `,"client":"phone"}`, nil, 400, malformed},
		{"field in capitals", "PUT", "/v1/posts/P/like", `{"At":` + at + `,"client":"phone"}`, nil, 400, malformed},
		{"no moment", "PUT", "/v1/posts/P/like", `{"client":"phone"}`, nil, 400, malformed},
		{"moment null", "PUT", "/v1/posts/P/like", `{"at":null,"client":"phone"}`, nil, 400, malformed},
		{"moment as number", "PUT", "/v1/posts/P/like", `{"at":115594171645952007,"client":"phone"}`, nil, 400, malformed},
		{"moment as list", "PUT", "/v1/posts/P/like", `{"at":[` + at + `],"client":"phone"}`, nil, 400, malformed},
		{"moment as fraction", "PUT", "/v1/posts/P/like", `{"at":"115594171645952007.5","client":"phone"}`, nil, 422, invalid},
		{"moment as word", "PUT", "/v1/posts/P/like", `{"at":"now","client":"phone"}`, nil, 422, invalid},
		{"moment with zeros in front", "PUT", "/v1/posts/P/like", `{"at":"00115594171645952007","client":"phone"}`, nil, 422, invalid},
		{"moment beyond 64 bits", "PUT", "/v1/posts/P/like", `{"at":"99999999999999999999","client":"phone"}`, nil, 422, invalid},
		{"not UTF-8", "PUT", "/v1/posts/P/comments/N", textOf("\xff\xfe"), nil, 400, malformed},
		{"moment zero", "PUT", "/v1/posts/P/like", `{"at":"0","client":"phone"}`, nil, 422, invalid},
		{"moment negative", "PUT", "/v1/posts/P/like", `{"at":"-1","client":"phone"}`, nil, 422, invalid},
		{"no client", "PUT", "/v1/posts/P/like", `{"at":` + at + `,"client":""}`, nil, 422, invalid},
		{"client with markup", "PUT", "/v1/posts/P/like", `{"at":` + at + `,"client":"<b>"}`, nil, 422, invalid},
		{"very long client", "PUT", "/v1/posts/P/like", `{"at":` + at + `,"client":"` + strings.Repeat("c", 65) + `"}`, nil, 422, invalid},
		{"empty text", "PUT", "/v1/posts/P/comments/N", textOf(""), nil, 422, invalid},
		{"blank text", "PUT", "/v1/posts/P/comments/N", textOf(` \n\t\u200b\u00a0`), nil, 422, invalid},
		{"text of a blank letter", "PUT", "/v1/posts/P/comments/N", textOf(`\u3164`), nil, 422, invalid},
		{"text of a blank sign", "PUT", "/v1/posts/P/comments/N", textOf(`\u2800\ufe0f\u00ad`), nil, 422, invalid},
		{"text of marks on nothing", "POST", "/v1/posts", postOf(engagement.NewID(), `\u0301`), nil, 422, invalid},
		{"text that holds no character", "PUT", "/v1/posts/P/comments/N", textOf(`a\uffff`), nil, 422, invalid},
		{"letter with 999 marks", "PUT", "/v1/posts/P/comments/N", textOf("a" + strings.Repeat(`\u0301`, 999)), nil, 422, invalid},
		{"post that holds no character", "POST", "/v1/posts", postOf(engagement.NewID(), `a\ufdd0`), nil, 422, invalid},
		{"post of a letter with many marks", "POST", "/v1/posts", postOf(engagement.NewID(), "a"+strings.Repeat(`\u0e49`, 20)), nil, 422, invalid},
		{"text that turns the direction", "PUT", "/v1/posts/P/comments/N", textOf(`\u202egnp.exe`), nil, 422, invalid},
		{"half a character", "PUT", "/v1/posts/P/comments/N", textOf(`\ud800`), nil, 400, malformed},
		{"name of half a character", "POST", "/v1/session", `{"name":"\ud800"}`, nil, 400, malformed},
		{"name of a blank letter", "POST", "/v1/session", `{"name":"\u3164"}`, nil, 422, invalid},
		{"name that turns the direction", "POST", "/v1/session", `{"name":"a\u202eb"}`, nil, 422, invalid},
		{"text with NUL", "PUT", "/v1/posts/P/comments/N", textOf(`a\u0000b`), nil, 422, invalid},
		{"text with escape codes", "PUT", "/v1/posts/P/comments/N", textOf(`\u001b[31mred`), nil, 422, invalid},
		{"text too long", "PUT", "/v1/posts/P/comments/N", textOf(strings.Repeat("é", wire.MaxCommentText+1)), nil, 422, invalid},
		{"post too long", "POST", "/v1/posts", postOf(engagement.NewID(), strings.Repeat("x", wire.MaxPostText+1)), nil, 422, invalid},
		{"post with an id of its own making", "POST", "/v1/posts", postOf("mine", "x"), nil, 422, invalid},
		{"older than what was applied", "DELETE", "/v1/posts/P/like", fmt.Sprintf(`{"at":"%d","client":"phone"}`, stampAt(-60_000)), nil, 409, wire.ProblemConflict},
		{"no name", "POST", "/v1/session", `{}`, nil, 400, malformed},
		{"empty name", "POST", "/v1/session", `{"name":""}`, nil, 422, invalid},
		{"name with a line break", "POST", "/v1/session", `{"name":"ada\r\nSet-Cookie: x=y"}`, nil, 422, invalid},
		{"name with a space", "POST", "/v1/session", `{"name":"ada 1"}`, nil, 422, invalid},
		{"name that looks like another", "POST", "/v1/session", `{"name":"аda"}`, nil, 422, invalid},
		{"very long name", "POST", "/v1/session", `{"name":"` + strings.Repeat("a", 33) + `"}`, nil, 422, invalid},
		{"sign in as somebody with more", "POST", "/v1/session", `{"name":"ada","admin":true}`, nil, 400, malformed},
	}
}

func TestHostileRequests(t *testing.T) {
	t.Run("SQLite", func(t *testing.T) { testHostileRequests(t, "") })
	t.Run("PostgreSQL", func(t *testing.T) { testHostileRequests(t, pgtest.Database(t)) })
}

// testHostileRequests sends them to a server on the database; "" is a fresh file.
func testHostileRequests(t *testing.T, database string) {
	s := start(t, setup{database: database, options: httpapi.Options{Rate: -1, SessionLife: time.Hour}})
	ada, bob := s.signIn("ada"), s.signIn("bob")
	post, deleted := ada.newPost("hello"), bob.newPost("to be deleted")
	comment := engagement.NewID()
	ada.operate(freshKey(), "PUT", post+"/comments/"+comment, stampAt(0), map[string]any{"text": "hers"}).outcome(201)
	bob.operate("used", "PUT", post+"/like", stampAt(0), nil).outcome(200)
	bob.operate(freshKey(), "DELETE", deleted, stampAt(0), nil).outcome(200)
	idOf := func(path string) string { return strings.TrimPrefix(path, "/v1/posts/") }
	fill := strings.NewReplacer("/P", "/"+idOf(post), "/D/", "/"+idOf(deleted)+"/", "/A", "/"+comment, "/N", "/"+engagement.NewID(),
		"/UPPER", "/"+strings.ToUpper(idOf(post)), `"id":"P"`, `"id":"`+idOf(post)+`"`, `"id":"D"`, `"id":"`+idOf(deleted)+`"`)

	rows := hostileRows()
	if len(rows) < 60 {
		t.Fatalf("only %d rows", len(rows))
	}
	before := dump(t, s.database)
	for _, row := range rows {
		t.Run(strings.ReplaceAll(row.name, " ", "-"), func(t *testing.T) {
			header := map[string]string{wire.HeaderKey: freshKey()}
			maps.Copy(header, row.header)
			attacker := *bob
			server := *bob.server
			server.tb, attacker.server = t, &server
			r := attacker.do(row.method, fill.Replace(row.path), fill.Replace(row.body), header)
			if row.method == "HEAD" { // has no body to look at
				equal(t, "status", r.status, row.status)
			} else {
				r.want(row.status, row.problem)
			}
			checkRefused(t, row, r.all)
			if len(r.header.Values("Set-Cookie")) > 0 {
				t.Errorf("a refusal set a cookie: %v", r.header)
			}
			if r.header.Get("X-Request-Id") == "" || r.header.Get("X-Content-Type-Options") != "nosniff" {
				t.Errorf("headers are missing: %v", r.header)
			}
			if row.status == 405 && r.header.Get("Allow") == "" {
				t.Errorf("405 without Allow")
			}
			if after := dump(t, s.database); after != before {
				t.Fatalf("the database changed")
			}
		})
	}
	bob.operate(freshKey(), "DELETE", post+"/like", stampAt(1), nil).outcome(200)
	if dump(t, s.database) == before {
		t.Fatal("the dump does not see a change that was made")
	}
}

// dump is a hash of every row of every table.
func dump(tb testing.TB, database string) string {
	tb.Helper()
	driver, address := "sqlite", "file:"+database+"?_pragma=query_only(1)"
	names := "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"
	if sqlstore.IsPostgres(database) {
		driver, address = "pgx", database
		names = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' ORDER BY 1"
	}
	db, err := sql.Open(driver, address)
	if err != nil {
		tb.Fatal(err)
	}
	defer db.Close()
	hash := sha256.New()
	tables := column(tb, db, names)
	if len(tables) < 8 || !slices.Contains(tables, "optimist_keys") {
		tb.Fatalf("tables: %v", tables)
	}
	for _, table := range tables {
		row := `"` + table + `"::text`
		if driver == "sqlite" {
			columns := column(tb, db, "SELECT quote(name) FROM pragma_table_info('"+table+"')")
			for i, c := range columns {
				columns[i] = "quote(\"" + strings.Trim(c, "'") + "\")"
			}
			row = strings.Join(columns, "||','||")
		}
		for _, line := range column(tb, db, "SELECT "+row+" FROM \""+table+"\" ORDER BY 1") {
			fmt.Fprintln(hash, table, line)
		}
	}
	return hex.EncodeToString(hash.Sum(nil))
}

func column(tb testing.TB, db *sql.DB, query string) []string {
	tb.Helper()
	rows, err := db.Query(query)
	if err != nil {
		tb.Fatalf("%s: %v", query, err)
	}
	defer rows.Close()
	var all []string
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			tb.Fatal(err)
		}
		all = append(all, text)
	}
	if rows.Err() != nil {
		tb.Fatal(rows.Err())
	}
	return all
}
