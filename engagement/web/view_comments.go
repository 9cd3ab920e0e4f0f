package web

import (
	"strconv"

	"github.com/optimist-go/optimist/engagement/wire"
)

func viewComments(m postModel) *Node {
	p := m.View.Value
	var rows []*Node
	for _, c := range m.UI.Older {
		rows = append(rows, viewComment(m, c, false))
	}
	for _, c := range p.Comments {
		rows = append(rows, viewComment(m, c, true))
	}
	for _, o := range m.Ops {
		// A deletion that failed has no comment in view: the comment is deleted there.
		if o.Type == "delete_comment" && o.State == opFailed {
			rows = append(rows, el("li", []string{"class", "comment failed"},
				viewFailure(m.ID, o, "A comment could not be deleted", false, "Keep it")).with("gone-"+o.Comment))
		}
	}
	older := p.Older
	if m.UI.OlderLoaded {
		older = m.UI.OlderCursor
	}
	return el("section", []string{"class", "comments", "aria-label", "Comments on the post of " + p.Author},
		maybe(older != "", func() *Node {
			return el("button", []string{"type", "button", "class", "link", "data-act", "older", "data-post", m.ID}, text("Show older comments")).with("older")
		}),
		maybe(len(rows) > 0, func() *Node { return el("ul", []string{"class", "list"}, rows...).with("list") }),
		maybe(m.User != "", func() *Node { return viewComposer(m).with("composer") }),
		maybe(m.User == "", func() *Node { return el("p", []string{"class", "hint"}, text("Sign in to comment.")).with("hint") }),
	)
}

func viewComposer(m postModel) *Node {
	return el("form", []string{"class", "composer", "data-act", "comment-add", "data-post", m.ID},
		el("label", []string{"class", "unseen", "for", "new-" + m.ID}, text("Write a comment")),
		el("textarea", []string{
			"id", "new-" + m.ID, "name", "text", "rows", "1", "maxlength", strconv.Itoa(wire.MaxCommentText),
			"placeholder", "Write a comment", "data-focus", "new-" + m.ID, "data-enter", "submit",
			when(m.UI.Problem != "", "aria-describedby"), "problem-" + m.ID,
		}),
		el("button", []string{"type", "submit", "class", "button"}, text("Comment")),
		maybe(m.UI.Problem != "" && m.UI.Editing == "", func() *Node { return viewProblem(m).with("problem") }),
	)
}

func viewProblem(m postModel) *Node {
	return el("p", []string{"class", "problem", "id", "problem-" + m.ID, "role", "alert"}, text(m.UI.Problem))
}

// viewComment is one comment. Those that are not at hand cannot be changed here.
func viewComment(m postModel, c wire.Comment, atHand bool) *Node {
	var op *opStatus
	for i := range m.Ops {
		if o := &m.Ops[i]; o.Comment == c.ID && (op == nil || o.State == opFailed) {
			op = o
		}
	}
	failed := op != nil && op.State == opFailed
	class := "comment"
	switch {
	case failed:
		class += " failed"
	case op != nil:
		class += " pending"
	}
	if m.UI.Editing == c.ID {
		return el("li", []string{"class", class + " editing"}, avatar(c.Author), viewEditor(m, c)).with(c.ID + " edited")
	}
	return el("li", []string{"class", class},
		avatar(c.Author),
		el("div", []string{"class", "said"},
			el("p", []string{"class", "who"},
				el("span", []string{"class", "author"}, text(c.Author)), when2(c.CreatedAt, m.Now),
				maybe(c.EditedAt != 0, func() *Node { return el("span", []string{"class", "when"}, text("edited")).with("edited") }),
				viewCommentStatus(m, op),
			),
			el("p", []string{"class", "text"}, text(c.Text)),
			maybe(failed, func() *Node {
				what := "Not posted"
				if op.Type == "edit_comment" {
					what = "The edit was not saved"
				}
				return viewFailure(m.ID, *op, what, true, "Discard").with("failure")
			}),
			maybe(atHand && !failed && c.Author == m.User, func() *Node { return viewOwn(m.ID, c).with("own") }),
		),
	).with(c.ID)
}

func viewCommentStatus(m postModel, op *opStatus) *Node {
	if op == nil || op.State == opFailed {
		return nil
	}
	words, class := "sending", "status late"
	switch {
	case m.Held:
		words, class = "kept, waits for the network", "status"
	case op.State == opRetrying || op.Calls > 1:
		words, class = "trying again", "status"
	}
	return el("span", []string{"class", class}, el("span", []string{"class", "dot", "aria-hidden", "true"}), text(words)).with("status")
}

func viewOwn(post string, c wire.Comment) *Node {
	short := c.Text
	if r := []rune(short); len(r) > 30 {
		short = string(r[:30]) + "…"
	}
	return el("p", []string{"class", "own"},
		small("comment-edit", post, c.ID, "Edit", "Edit your comment "+short),
		small("comment-delete", post, c.ID, "Delete", "Delete your comment "+short),
	)
}

func small(act, post, comment, label, long string) *Node {
	return el("button", []string{
		"type", "button", "class", "link", "data-act", act, "data-post", post, "data-comment", comment,
		"data-focus", act + "-" + comment, "aria-label", long,
	}, text(label))
}

// viewFailure says what failed and lets the user decide.
func viewFailure(post string, o opStatus, what string, edit bool, discard string) *Node {
	if o.Reason != "" {
		what += ": " + o.Reason
	}
	return el("div", []string{"class", "failure", "role", "group", "aria-label", what},
		el("p", []string{"class", "why"}, text(what+".")),
		el("p", []string{"class", "choices"},
			small("comment-retry", post, o.Comment, "Retry", "Retry"),
			maybe(edit, func() *Node { return small("comment-edit", post, o.Comment, "Edit", "Edit and send again") }),
			small("comment-discard", post, o.Comment, discard, discard),
		),
	)
}

func viewEditor(m postModel, c wire.Comment) *Node {
	return el("form", []string{"class", "editor", "data-act", "comment-save", "data-post", m.ID, "data-comment", c.ID},
		el("label", []string{"class", "unseen", "for", "edit-" + c.ID}, text("Edit your comment")),
		el("textarea", []string{
			"id", "edit-" + c.ID, "name", "text", "rows", "2", "maxlength", strconv.Itoa(wire.MaxCommentText),
			"data-focus", "editor-" + c.ID, "data-enter", "submit", "data-escape", "comment-cancel",
			"data-post", m.ID, "data-comment", c.ID,
		}, text(c.Text)),
		el("p", []string{"class", "own"},
			el("button", []string{"type", "submit", "class", "button"}, text("Save")),
			small("comment-cancel", m.ID, c.ID, "Cancel", "Cancel editing"),
		),
		maybe(m.UI.Problem != "", func() *Node { return viewProblem(m).with("problem") }),
	)
}
