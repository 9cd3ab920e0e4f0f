package e2e

import "testing"

// TestWriteAndDeleteAPost by keyboard, with a second thought, while somebody watches.
func TestWriteAndDeleteAPost(t *testing.T) {
	t.Parallel() // most of its time it waits
	s := startServer(t)
	ada, ben := signIn(t, s.URL(), "ada"), signIn(t, s.URL(), "ines")
	const mine = `[...document.querySelectorAll('.post')].find(p => p.innerText.includes('hello <b>all</b>'))`
	ada.tabTo(`#new-post`)
	ada.key("hello <b>all</b>")
	ada.enter()
	ada.key("on two lines")
	ada.shot("post-writing")
	eval[bool](ada, `(document.querySelector('#new-post').dispatchEvent(new KeyboardEvent('keydown', {key: 'Enter', ctrlKey: true, bubbles: true})), true)`)
	ada.until(mine + `?.matches('.post:first-child') && document.querySelector('#new-post').value === ''`)
	ada.until(allSaved)
	ben.until(mine + `?.matches('.post:first-child') && !` + mine + `.querySelector('[data-act="post-delete"]')`)

	ada.click(`.post [data-act="post-delete"]`)
	ada.until(`!` + mine + ` && document.activeElement.matches('[data-act="undo"]')`)
	ada.shot("post-deleted")
	ada.enter()
	ada.until(mine + ` && ` + allSaved)
	if !eval[bool](ben, `!!`+mine) {
		t.Error("somebody else saw the deletion that was undone")
	}
	ada.click(`.post [data-act="post-delete"]`)
	ben.until(`!` + mine)
	ada.until(`!` + mine + ` && ` + allSaved)
}
