package e2e

import (
	"testing"

	"github.com/optimist-go/optimist/engagement"
	"github.com/optimist-go/optimist/engagement/fault"
	"github.com/optimist-go/optimist/engagement/wire"
)

// TestReloadWhileCutOff: the page shows the user and the stored changes without the server.
func TestReloadWhileCutOff(t *testing.T) {
	s := startServer(t)
	tb := signIn(t, s.URL(), "ada")
	tb.expectFaults()
	post := tb.firstPost()
	was := s.truth(post, "ada")
	s.network(fault.Rule{Offline: true})
	tb.click(like(post))
	tb.comment(post, "words of the train")
	tb.write(`#new-post`, "a post of the train")
	eval[bool](tb, kept+`(3)`)
	tb.open(s.URL())
	tb.until(`document.querySelector('.me .name')?.textContent === 'ada' && document.querySelector('.link-state').textContent.includes('3 unsent')`)
	for _, words := range []string{"3 unsent changes", "Stored in this browser", "A like", "words of the train", "a post of the train"} {
		tb.until(`document.querySelector('.kept')?.innerText.includes(` + quoted(words) + `)`)
	}
	tb.shot("reloaded-while-cut-off")
	tb.until(`document.querySelector('.end [role="alert"]')`)
	tb.shot("reloaded-while-cut-off-later")
	tb.do(viewport(375, 800))
	tb.shot("reloaded-while-cut-off-phone")
	s.network(fault.Rule{})
	tb.until(allSaved + ` && !document.querySelector('.kept')`)
	tb.until(`document.querySelector('.post:first-child')?.innerText.includes('a post of the train')`)
	if now := s.truth(post, "ada"); now.Liked == was.Liked || now.Post.Comments != was.Post.Comments+1 {
		t.Errorf("after the changes: %+v; before: %+v", now.Post, was.Post)
	}
}

// TestReloadAfterTheSessionExpired: nothing is lost, and it is said whose changes they are.
func TestReloadAfterTheSessionExpired(t *testing.T) {
	s := startServer(t)
	tb := signIn(t, s.URL(), "ada")
	tb.expectFaults()
	post := tb.firstPost()
	eval[bool](tb, `fetch('/v1/session', { method: 'DELETE' }).then(() => true)`)
	tb.comment(post, "written too late")
	eval[bool](tb, kept+`(1)`)
	tb.open(s.URL())
	tb.until(`document.querySelector('.sign-in')?.innerText.includes('Sign in as ada') && document.querySelector('.kept')?.innerText.includes('written too late')`)
	tb.shot("reloaded-after-the-session-expired")
	tb.click(`[data-value="ada"]`)
	tb.until(`!document.querySelector('.sign-in') && ` + allSaved + ` && ` + ready)
	if c := s.truth(post, "ada").Comments; len(c) == 0 || c[len(c)-1].Text != "written too late" {
		t.Error("the comment was lost")
	}
}

// TestReasonAfterARestart is the same as before.
func TestReasonAfterARestart(t *testing.T) {
	t.Parallel() // most of its time it waits
	s := startServer(t)
	tb := signIn(t, s.URL(), "ada")
	tb.expectFaults()
	post := tb.firstPost()
	s.network(fault.Rule{ServerError: 1})
	tb.comment(post, "not today")
	const why = `document.querySelector('.comment.failed .why')`
	tb.until(why)
	said := eval[string](tb, why+`.textContent`)
	s.network(fault.Rule{})
	tb.open(s.URL())
	tb.until(ready)
	tb.click(`[data-act="comments"][data-post="` + post + `"]`)
	tb.until(why)
	if now := eval[string](tb, why+`.textContent`); now != said || said == "Not posted." {
		t.Errorf("it says %q, before the restart it said %q", now, said)
	}
	tb.shot("reason-after-a-restart")
}

// TestDraftOnADeletedPost says why it is a notice now.
func TestDraftOnADeletedPost(t *testing.T) {
	s := startServer(t)
	tb := signIn(t, s.URL(), "ada")
	post := tb.firstPost()
	tb.click(`[data-act="comments"][data-post="` + post + `"]`)
	tb.until(`document.querySelector('#new-` + post + `')`)
	eval[bool](tb, `(document.querySelector('#new-`+post+`').value = 'a draft', true)`)
	if _, err := s.Store().Apply(t.Context(), engagement.Operation{
		Key: engagement.NewID(), Kind: engagement.DeletePost, User: s.truth(post, "ada").Post.Author, Post: post,
		Stamp: engagement.Stamp{At: wire.NewStamp(1<<42, 0), Client: "elsewhere"},
	}); err != nil {
		t.Fatal(err)
	}
	tb.until(saysNotice("a draft") + ` && ` + saysNotice("The post was deleted while you were writing this."))
	tb.shot("draft-on-a-deleted-post")
}
