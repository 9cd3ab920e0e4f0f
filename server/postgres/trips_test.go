package postgres

import (
	"fmt"
	"net"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/optimist-go/optimist/server"
	"github.com/optimist-go/optimist/server/pgtest"
)

// TestRoundTrips counts how often the client's side waits for the server's.
func TestRoundTrips(t *testing.T) {
	c := pgtest.Cluster(t)
	proxy := newProxy(t, c.Address())
	direct, err := pgx.ParseConfig(pgtest.On(t, c))
	if err != nil {
		t.Fatal(err)
	}
	url := fmt.Sprintf("postgres://postgres:%s@%s/%s?sslmode=disable", direct.Password, proxy.listener.Addr(), direct.Database)
	db := open(t, url, Options{Connections: 2})
	group := func(n int) {
		claim := server.Claim{Reads: []server.Read{{SQL: `SELECT $1::int`, Args: []any{1}, Row: func(server.Scan) error { return nil }}}}
		var commit server.Commit
		for i := range 32 {
			key, id := server.Key{User: "u", Key: fmt.Sprint(n, "-", i)}, fmt.Sprint("e", i)
			claim.Keys, claim.Entities = append(claim.Keys, key), append(claim.Entities, id)
			commit.Changed = append(commit.Changed, server.Entity{ID: id, Version: uint64(n)})
			commit.Done = append(commit.Done, server.Done{Key: key, Entities: []string{id}})
		}
		w, err := db.Begin(t.Context(), claim)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Commit(t.Context(), commit); err != nil {
			t.Fatal(err)
		}
	}
	group(1) // prepares the statements
	before := proxy.trips.Load()
	const groups = 10
	for n := range groups {
		group(n + 2)
	}
	// The pool asks a connection that was idle for a second whether it is there.
	if trips := proxy.trips.Load() - before; trips >= 3*groups {
		t.Errorf("%d groups took %d round trips", groups, trips)
	}
}

// proxy passes connections on and counts how often the client speaks after the server.
type proxy struct {
	listener net.Listener
	trips    atomic.Int64
}

func newProxy(t *testing.T, to string) *proxy {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{listener: l}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			upstream, err := net.Dial("tcp", to)
			if err != nil {
				client.Close()
				continue
			}
			var answered atomic.Bool // the last to speak was the server
			answered.Store(true)
			go pass(upstream, client, func() {
				if answered.Swap(false) {
					p.trips.Add(1)
				}
			})
			go pass(client, upstream, func() { answered.Store(true) })
		}
	}()
	return p
}

// pass copies, and calls heard before each piece is passed on.
func pass(to, from net.Conn, heard func()) {
	defer to.Close()
	piece := make([]byte, 1<<16)
	for {
		n, err := from.Read(piece)
		if n > 0 {
			heard()
			if _, err := to.Write(piece[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}
