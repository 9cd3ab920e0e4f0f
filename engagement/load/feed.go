package load

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"strconv"

	"github.com/optimist-go/optimist/engagement/client"
	"github.com/optimist-go/optimist/engagement/wire"
)

// standing is the state of a post on the server.
type standing struct {
	Version uint64 `json:"version"` // 0: it never existed
	Gone    bool   `json:"gone,omitempty"`
}

// readFeed reads the feed, without a client, until it has met all the given posts:
// all newer posts come before them.
func readFeed(ctx context.Context, t client.Transport, until []string) (map[string]wire.Truth, error) {
	feed := make(map[string]wire.Truth)
	missing := setOf(until)
	for cursor := ""; ; {
		page, err := readPage(ctx, t, cursor, wire.MaxPage)
		if err != nil {
			return nil, err
		}
		for _, truth := range page.Posts {
			feed[truth.ID] = truth
			if delete(missing, truth.ID); len(missing) == 0 {
				return feed, nil
			}
		}
		if cursor = page.Next; cursor == "" {
			return feed, nil
		}
	}
}

func readPage(ctx context.Context, t client.Transport, cursor string, limit int) (wire.Page, error) {
	path := "/v1/posts?limit=" + strconv.Itoa(limit)
	if cursor != "" {
		path += "&cursor=" + cursor
	}
	a, err := t.RoundTrip(ctx, client.Request{Method: "GET", Path: path})
	if err != nil {
		return wire.Page{}, err
	}
	if a.Status != http.StatusOK {
		return wire.Page{}, unexpected("the feed", a)
	}
	return wire.DecodePage(a.Body)
}

// readStanding reads the state of a post, without a client.
func readStanding(ctx context.Context, t client.Transport, post string) (standing, error) {
	a, err := t.RoundTrip(ctx, getPost(post))
	if err != nil {
		return standing{}, err
	}
	return standingIn(post, a)
}

func getPost(post string) client.Request {
	return client.Request{Method: "GET", Path: "/v1/posts/" + post}
}

// standingIn reads the answer to getPost.
func standingIn(post string, a client.Response) (standing, error) {
	if a.Status == http.StatusOK {
		truth, err := wire.DecodeTruth(a.Body)
		return standing{Version: truth.Version, Gone: truth.State == nil}, err
	}
	switch p, err := wire.DecodeProblem(a.Body); {
	case err == nil && a.Status == http.StatusGone && p.Truth != nil:
		return standing{Version: p.Truth.Version, Gone: true}, nil
	case err == nil && a.Status == http.StatusNotFound:
		return standing{Gone: true}, nil
	}
	return standing{}, unexpected("post "+post, a)
}

// unexpected returns the error for an answer that is no answer to the read.
func unexpected(what string, a client.Response) error {
	p, _ := wire.DecodeProblem(a.Body)
	return fmt.Errorf("%s cannot be read: status %d %s", what, a.Status, cmp.Or(p.Detail, "of another program than engaged"))
}

func setOf(ids []string) map[string]bool {
	set := make(map[string]bool, len(ids))
	for _, id := range ids {
		set[id] = true
	}
	return set
}
