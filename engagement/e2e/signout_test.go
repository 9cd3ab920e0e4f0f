package e2e

import (
	"testing"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"github.com/optimist-go/optimist/engagement/fault"
)

// nobodys is a script that is true on the page of nobody.
const nobodys = `!document.querySelector('.me') && document.querySelector('.sign-in') && document.querySelector('.link-state.good') && document.querySelectorAll('.post').length > 3`

// leftBehind is a script that waits until the browser keeps nothing of ada.
const leftBehind = `new Promise(async (done) => {
	for (;;) {
		const names = (await indexedDB.databases()).map((d) => d.name);
		if (!names.includes("engaged ada") && !JSON.stringify(localStorage).includes("ada")) return done(true);
		await new Promise((r) => setTimeout(r, 5));
	}
})`

// comment opens a post's comments and writes one.
func (tb *tab) comment(post, text string) {
	tb.t.Helper()
	tb.click(`[data-act="comments"][data-post="` + post + `"]`)
	tb.write(`#new-`+post, text)
	tb.until(`document.querySelector('.comment.pending')`)
}

// cutOff takes the network away, and waits until the page knows.
func (tb *tab) cutOff() {
	tb.t.Helper()
	tb.offline(true)
	tb.until(`document.querySelector('.link-state').textContent.startsWith('Offline')`)
}

func saysNotice(words string) string {
	return `document.querySelector('#notices').textContent.includes(` + quoted(words) + `)`
}

// TestSignOutInOneOfTwoTabs: in the other tab, which may own the journal, only a notice
// that quotes the unsent changes stays on the screen or in the browser.
func TestSignOutInOneOfTwoTabs(t *testing.T) {
	for _, ownerLeaves := range []bool{false, true} {
		s := startServer(t)
		owner := signIn(t, s.URL(), "ada")
		other := owner.beside(s.URL())
		other.until(ready + ` && document.querySelector('.risk')`)
		leaves, stays := other, owner
		if ownerLeaves {
			leaves, stays = owner, other
		}
		stays.cutOff()
		post := stays.firstPost()
		stays.comment(post, "precious words")
		if !ownerLeaves {
			eval[bool](stays, kept+`(1)`)
		}
		eval[bool](stays, `(document.querySelector('#new-post').value = 'half a thought', true)`)
		leaves.click(`[data-act="sign-out"]`)
		stays.until(`!document.querySelector('.me') && document.querySelectorAll('.post').length === 0`)
		stays.until(saysNotice("precious words") + ` && ` + saysNotice("half a thought"))
		stays.until(saysNotice("signed out in another tab"))
		if eval[bool](stays, `document.body.innerText.includes('expired') || document.querySelector('#main').innerText.includes('precious words')`) {
			t.Error("the tab goes on as if the session had expired")
		}
		stays.shot("signed-out-in-another-tab")
		leaves.until(nobodys)
		eval[bool](leaves, leftBehind)

		stays.offline(false)
		stays.until(nobodys)
		leaves.click(`[data-value="kofi"]`)
		for _, tb := range []*tab{leaves, stays} {
			tb.until(`document.querySelector('.me .name')?.textContent === 'kofi' && document.querySelectorAll('.post').length > 3`)
		}
		if eval[bool](leaves, `document.body.innerText.includes('precious words')`) || eval[bool](stays, `document.body.innerText.includes('precious words')`) {
			t.Error("kofi reads what ada wrote")
		}
	}
}

// TestSignOutBesideATabThatSleeps: it hears nothing, and owns the journal.
func TestSignOutBesideATabThatSleeps(t *testing.T) {
	s := startServer(t)
	sleeps := signIn(t, s.URL(), "ada")
	leaves := sleeps.beside(s.URL())
	leaves.until(ready + ` && document.querySelector('.risk')`)
	sleeps.cutOff()
	sleeps.comment(sleeps.firstPost(), "precious words")
	eval[bool](sleeps, kept+`(1)`)
	state := func(to page.SetWebLifecycleStateState) {
		t.Helper()
		if _, err := chromedp.Call(sleeps.ctx, page.SetWebLifecycleState, page.SetWebLifecycleStateParams{State: to}); err != nil {
			t.Fatal(err)
		}
	}
	state(page.SetWebLifecycleStateStateFrozen)
	leaves.click(`[data-act="sign-out"]`)
	leaves.until(nobodys)
	if !eval[bool](leaves, `indexedDB.databases().then(l => l.some(d => d.name === "engaged ada"))`) {
		t.Fatal("the tab does not sleep: the test tests nothing")
	}
	leaves.open(s.URL()) // the next user finds the same
	leaves.until(nobodys)
	state(page.SetWebLifecycleStateStateActive)
	eval[bool](sleeps, `new Promise((done) => { // a tab that slept may get no frames
		const look = () => !document.querySelector('.me') && `+saysNotice("precious words")+` ? done(true) : setTimeout(look, 5);
		look();
	})`)
	eval[bool](leaves, leftBehind)
}

// TestSignOutAndCloseEverything: a page that is closed while its user signs out leaves that to
// the next one, which shows nothing before it is done.
func TestSignOutAndCloseEverything(t *testing.T) {
	s := startServer(t)
	owner := signIn(t, s.URL(), "ada")
	owner.expectFaults()
	leaves := owner.beside(s.URL())
	leaves.until(ready + ` && document.querySelector('.risk')`)
	s.network(fault.Rule{LatencyMs: 5000}) // nobody gets an answer in time
	owner.click(`[data-act="comments"]`)
	owner.write(`.composer textarea`, "precious words")
	eval[bool](owner, kept+`(1)`)
	leaves.click(`[data-act="sign-out"]`)
	leaves.until(`localStorage.getItem("engaged-leaving") === "ada"`)
	leaves.closeWindow()
	owner.crash()
	s.network(fault.Rule{})

	next := owner.beside(s.URL())
	next.until(nobodys)
	if eval[bool](next, `document.body.innerText.includes('precious words')`) {
		t.Error("it shows what ada wrote")
	}
	eval[bool](next, leftBehind)
}

// TestFailedSignOutIsForgotten with the next sign-in.
func TestFailedSignOutIsForgotten(t *testing.T) {
	s := startServer(t)
	tb := signIn(t, s.URL(), "ada")
	tb.cutOff()
	tb.click(`[data-act="sign-out"]`)
	tb.until(saysNotice("You are still signed in"))
	tb.offline(false)
	tb.until(allSaved)
	tb.click(`[data-act="sign-out"]`)
	tb.until(nobodys)
	tb.click(`[data-value="kofi"]`)
	tb.until(`document.querySelector('.me .name')?.textContent === 'kofi' && ` + allSaved)
	if eval[bool](tb, saysNotice("still signed in")) {
		t.Error("kofi is told that ada's sign-out failed")
	}
}
