package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// Scripts about the posts on the page.
const (
	chipOn  = `document.querySelector('.views [data-value="%s"]')?.getAttribute('aria-pressed') === 'true'`
	postIDs = `[...document.querySelectorAll('.post')].map(p => p.dataset.id)`
	// likesOf are the numbers of likes, in the order of the page.
	likesOf = `[...document.querySelectorAll('.post .like')].map(b => Number(b.getAttribute('aria-label').match(/(\d+) like/)[1]))`
	sorted  = likesOf + `.every((n, i, all) => i === 0 || all[i-1] >= n)`
	total   = `document.querySelector('.views .hint').textContent`
	// complete is true when all posts of a choice that fits on the page are painted.
	complete = `!document.querySelector('.loading') && parseInt(` + total + `) === document.querySelectorAll('.post').length`
	// refuseLikes has the server refuse each like, as it seems to the page.
	refuseLikes = `(() => {
		const fetch = window.fetch;
		window.fetch = (path, o) => String(path).endsWith('/like')
			? Promise.resolve(new Response(JSON.stringify({ type: '/problems/forbidden', title: 'Forbidden', status: 403, detail: 'not today' }), { status: 403, headers: { 'Content-Type': 'application/problem+json' } }))
			: fetch(path, o);
		return true;
	})()`
)

// choose presses a button above the posts.
func (tb *tab) choose(value string) {
	tb.t.Helper()
	tb.click(`.views [data-value="` + value + `"]`)
	tb.until(fmt.Sprintf(chipOn, value))
}

// TestSavedAndMine: what one saves is among the saved posts at once, and leaves them at once,
// with its total, on the network and off it.
func TestSavedAndMine(t *testing.T) {
	s := startServer(t)
	tb := signIn(t, s.URL(), "wren")
	tb.shot("views-all")
	tb.choose("saved")
	tb.until(complete)
	before := eval[int](tb, postIDs+`.length`)
	tb.choose("all")
	const unsaved = `.post .save[aria-pressed="false"]`
	mark := find[string](tb, `document.querySelector(`+quoted(unsaved)+`)?.dataset.post`)
	save := `.save[data-post="` + mark + `"]`
	tb.click(save)
	tb.choose("saved")
	tb.until(fmt.Sprintf(`%s.includes('%s') && %s.startsWith('%d post')`, postIDs, mark, total, before+1))
	if !eval[bool](tb, `[...document.querySelectorAll('.post .save')].every(b => b.getAttribute('aria-pressed') === 'true')`) {
		t.Error("a post that is not saved is among the saved ones")
	}
	tb.until(allSaved)
	tb.shot("views-saved")
	tb.offline(true)
	tb.click(save)
	tb.until(fmt.Sprintf(`!%s.includes('%s') && %s.startsWith('%d post')`, postIDs, mark, total, before))
	tb.until(`document.activeElement.matches('#feed')`) // where its button had been
	tb.shot("views-saved-offline")
	tb.offline(false)
	tb.until(allSaved)
	if s.truth(mark, "wren").Saved {
		t.Error("the server still has it saved")
	}

	tb.choose("mine")
	tb.until(complete + ` && [...document.querySelectorAll('.post .author')].every(a => a.textContent === 'wren')`)
	mine := eval[int](tb, postIDs+`.length`)
	tb.write(`#new-post`, "one of mine")
	tb.until(fmt.Sprintf(`%s.length === %d && document.querySelector('.post').innerText.includes('one of mine') && %s.startsWith('%d post')`, postIDs, mine+1, total, mine+1))
	tb.until(allSaved)
	tb.shot("views-mine")
	tb.do(viewport(390, 844))
	tb.shot("views-mine-phone")
	if wide := eval[int](tb, `document.documentElement.scrollWidth`); wide > 390 {
		t.Errorf("on a phone the page is %d wide", wide)
	}
	tb.choose("likes")
	tb.write(`#new-post`, "and another") // it would be the last there
	tb.until(fmt.Sprintf(chipOn, "all") + ` && ` + fmt.Sprintf(chipOn, "newest") + ` && document.querySelector('.post').innerText.includes('and another')`)
}

// TestByAuthorAndByLikes: the posts of one person, the most liked first. Without a network a
// like moves its post at once, and the post goes back when the like is refused.
func TestByAuthorAndByLikes(t *testing.T) {
	s := startServer(t)
	tb := signIn(t, s.URL(), "ada")
	author := find[string](tb, `[...document.querySelectorAll('.post .author')].map(a => a.textContent).find((a, i, all) => a !== 'ada' && all.indexOf(a) !== i)`)
	eval[bool](tb, `([...document.querySelectorAll('.by')].find(b => b.textContent === `+quoted(author)+`).click(), true)`)
	tb.until(`!document.querySelector('.loading') && document.querySelectorAll('.post').length > 1 && [...document.querySelectorAll('.post .author')].every(a => a.textContent === ` + quoted(author) + `)`)
	tb.shot("views-by-author")
	tb.choose("likes")
	tb.until(`!document.querySelector('.loading') && ` + sorted)
	tb.shot("views-by-author-by-likes")
	tb.click(`.views [data-value="all"]`)
	tb.until(complete + ` && document.querySelectorAll('.post').length > 5 && ` + sorted)

	// A post that ada has not liked, and that her like takes past the one above it.
	const rises = `(() => {
		const ids = ` + postIDs + `, likes = ` + likesOf + `;
		const on = id => document.querySelector('.like[data-post="' + id + '"]').getAttribute('aria-pressed') === 'true';
		const at = ids.findIndex((id, i) => i > 0 && !on(id) && (likes[i-1] === likes[i] || likes[i-1] === likes[i] + 1 && id > ids[i-1]));
		return at < 0 ? '' : ids[at];
	})()`
	fan := eval[string](tb, `document.querySelectorAll('.like[aria-pressed="false"]')[1].dataset.post`)
	for range 20 {
		if eval[string](tb, rises) != "" {
			break
		}
		s.likeElsewhere(fan)
		tb.until(fmt.Sprintf(`document.querySelector('%s .count').textContent === '%d'`, like(fan), s.truth(fan, "").Post.Likes))
	}
	moved, was := eval[string](tb, rises), eval[[]string](tb, postIDs)
	at := slices.Index(was, moved)
	if at < 1 {
		t.Fatalf("no post can rise in %q", was)
	}
	tb.shot("views-by-likes")
	tb.offline(true)
	eval[bool](tb, refuseLikes)
	eval[bool](tb, `(document.querySelector(`+quoted(like(moved))+`).focus(), true)`)
	if now := eval[string](tb, `(document.querySelector(`+quoted(like(moved))+`).click(), `+postIDs+`[`+fmt.Sprint(at-1)+`])`); now != moved {
		t.Error("the post does not move in the frame of the click")
	}
	if !eval[bool](tb, `document.activeElement.matches(`+quoted(like(moved))+`)`) {
		t.Error("the post that moves loses the focus")
	}
	tb.shot("views-by-likes-offline")
	tb.offline(false)
	tb.until(fmt.Sprintf(`JSON.stringify(%s) === %s`, postIDs, quoted(jsonOf(was))))
	tb.until(`document.querySelector('.notice')?.innerText.includes('Your like was undone')`)
	tb.shot("views-by-likes-refused")
	tb.do(viewport(390, 844))
	tb.shot("views-phone")
}

func jsonOf(ids []string) string { return `["` + strings.Join(ids, `","`) + `"]` }

// TestBackToOtherPosts: each choice of posts has an address, which the browser's buttons go back
// and forward to, and which a reload keeps.
func TestBackToOtherPosts(t *testing.T) {
	s := startServer(t)
	tb := signIn(t, s.URL(), "wren")
	author := find[string](tb, `[...document.querySelectorAll('.post .author')].map(a => a.textContent).find(a => a !== 'wren')`)
	eval[bool](tb, `([...document.querySelectorAll('.by')].find(b => b.textContent === `+quoted(author)+`).click(), true)`)
	theirs := `location.hash === '#by=` + author + `' && !document.querySelector('.loading') &&
		document.querySelectorAll('.post').length > 0 && [...document.querySelectorAll('.post .author')].every(a => a.textContent === ` + quoted(author) + `)`
	tb.until(theirs)
	tb.choose("saved")
	tb.until(`location.hash === '#saved'`)

	eval[bool](tb, `(history.back(), true)`)
	tb.until(theirs)
	eval[bool](tb, `(history.back(), true)`)
	tb.until(`location.hash === '' && ` + fmt.Sprintf(chipOn, "all"))
	eval[bool](tb, `(history.forward(), true)`)
	tb.until(theirs)
	eval[bool](tb, `(window.before = true, setTimeout(() => location.reload()), true)`) // after the answer to this
	tb.throughReloads(`!window.before && ` + clientThere + ` && ` + theirs)
	tb.click(`.skip`) // an anchor of the page is no place
	tb.until(theirs)
	eval[bool](tb, `(location.hash = 'sort=likes', true)`)
	tb.until(fmt.Sprintf(chipOn, "likes") + ` && ` + sorted)
}

// TestSkipBeforeTheClient: an anchor that is followed before the client is there does not take the
// place out of the address.
func TestSkipBeforeTheClient(t *testing.T) {
	t.Parallel() // most of its time it waits
	s := startServer(t)
	tb := newTab(t)
	tb.before(witness)
	tb.slow(fast3G)
	tb.do(navigate(s.URL() + "/#by=ines"))
	tb.until(`window.witness?.read`)
	tb.click(`.skip`)
	if eval[bool](tb, clientThere) {
		t.Error("the client was there before the click: this test shows nothing")
	}
	tb.until(clientThere + ` && location.hash === '#by=ines' && document.querySelectorAll('.post').length > 0 &&
		[...document.querySelectorAll('.post .author')].every(a => a.textContent === 'ines')`)
}
