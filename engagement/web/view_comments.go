package web

import (
	"strconv"

	"github.com/optimist-go/optimist/engagement/wire"
)

func viewComments(m postModel) *Node {
	p := m.View.Value
	var rows []*Node
	for _, c := range m.Older.Comments {
		rows = append(rows, viewComment(m, c))
	}
	for _, c := range p.Comments {
		rows = append(rows, viewComment(m, c))
	}
	for _, o := range m.Ops {
		// A deletion that failed has no comment in view: the comment is deleted there.
		if o.Type == "delete_comment" && o.State == opFailed {
			rows = append(rows, el("li.comment failed", nil,
				viewFailure(m.ID, o, "Your comment was not deleted", false, "Keep it")).with("gone-"+o.Comment))
		}
	}
	show := "Show older comments"
	switch {
	case m.Older.Loading && m.Held != "":
		show = "Waiting for " + m.Held + "…"
	case m.Older.Loading:
		show = "Loading older comments…"
	}
	return el("section.comments", []string{
		"aria-label", "Comments on the post of " + p.Author, "tabindex", "-1", "data-focus", "comments-" + m.ID, when(!m.UI.Open, "hidden"), "",
	},
		maybe(m.Older.More, el("button.link", []string{
			"data-act", "older", "data-post", m.ID, when(m.Older.Loading, "aria-disabled"), "true",
		}, text(show)).with("older")),
		maybe(len(rows) > 0, el("ul.list", []string{"role", "list"}, rows...).with("list")),
		maybe(m.User != "", viewComposer(m).with("composer")),
		maybe(m.User == "", el("p.hint", nil, text("Sign in to comment.")).with("hint")),
	)
}

func viewComposer(m postModel) *Node {
	return el("form.composer", []string{"data-act", "comment-add", "data-post", m.ID},
		el("label.unseen", []string{"for", "new-" + m.ID}, text("Write a comment")),
		el("textarea", []string{
			"id", "new-" + m.ID, "name", "text", "rows", "1", "maxlength", strconv.Itoa(wire.MaxCommentText),
			"placeholder", "Write a comment", "data-focus", "new-" + m.ID, "data-enter", "submit", "enterkeyhint", "send",
			when(m.UI.Problem != "" && m.UI.Editing == "", "aria-describedby"), "problem-" + m.ID,
			when(m.UI.Problem != "" && m.UI.Editing == "", "aria-invalid"), "true",
		}),
		el("button.button", []string{"type", "submit"}, text("Comment")),
		maybe(m.UI.Problem != "" && m.UI.Editing == "", viewProblem(m).with("problem")),
	)
}

func viewProblem(m postModel) *Node {
	return el("p.problem", []string{"id", "problem-" + m.ID, "role", "alert"}, text(m.UI.Problem))
}

func viewComment(m postModel, c wire.Comment) *Node {
	var op *opStatus
	for _, o := range m.Ops {
		if o.Comment == c.ID && (op == nil || o.State == opFailed) {
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
	var more *Node
	switch {
	case failed && op.Type == "edit_comment":
		more = viewFailure(m.ID, op, "Your edit was not saved", true, "Discard").with("failure")
	case failed:
		more = viewFailure(m.ID, op, "Not posted", true, "Discard").with("failure")
	case c.Author == m.User:
		more = viewOwn(m.ID, c).with("own")
	}
	return el("li."+class, nil,
		avatar(c.Author),
		el("div.said", nil,
			el("p.who", nil,
				el("span.author", nil, text(c.Author)), moment(c.CreatedAt, m.Now),
				maybe(c.EditedAt != 0, el("span.when", nil, text("edited")).with("edited")),
				viewCommentStatus(m, op),
			),
			el("p.text", nil, text(c.Text)),
			more,
		),
	).with(c.ID)
}

func viewCommentStatus(m postModel, op *opStatus) *Node {
	if op == nil || op.State == opFailed {
		return nil
	}
	words, class := "sending", "status late"
	switch {
	case m.Held != "":
		words, class = "waiting for "+m.Held, "status"
	case op.State == opRetrying || op.Calls > 1:
		words, class = "trying again", "status"
	}
	return viewWay(words, class)
}

func viewOwn(post string, c wire.Comment) *Node {
	short := shortened(c.Text)
	return el("p.own", nil,
		small("comment-edit", post, c.ID, "Edit", "Edit your comment "+short),
		small("comment-delete", post, c.ID, "Delete", "Delete your comment "+short),
	)
}

func small(act, post, comment, label, long string) *Node {
	return el("button.link", []string{
		"data-act", act, "data-post", post, "data-comment", comment,
		"data-focus", act + "-" + comment, "aria-label", long,
	}, text(label))
}

// viewFailure names the failed change and lets the user decide.
func viewFailure(post string, o *opStatus, what string, edit bool, discard string) *Node {
	if o.Reason != "" {
		what += ": " + o.Reason
	}
	return el("div.failure", []string{"role", "group", "aria-label", what},
		el("p.why", nil, text(what+".")),
		el("p.choices", nil,
			small("comment-retry", post, o.Comment, "Retry", "Retry"),
			maybe(edit, small("comment-edit", post, o.Comment, "Edit", "Edit and send again")),
			small("comment-discard", post, o.Comment, discard, discard),
		),
	)
}

func viewEditor(m postModel, c wire.Comment) *Node {
	return el("form.editor", []string{"data-act", "comment-save", "data-post", m.ID, "data-comment", c.ID},
		el("label.unseen", []string{"for", "edit-" + c.ID}, text("Edit your comment")),
		el("textarea", []string{
			"id", "edit-" + c.ID, "name", "text", "rows", "2", "maxlength", strconv.Itoa(wire.MaxCommentText),
			"data-focus", "editor-" + c.ID, "data-enter", "submit", "enterkeyhint", "send", "data-escape", "comment-cancel",
			"data-post", m.ID, "data-comment", c.ID,
			when(m.UI.Problem != "", "aria-describedby"), "problem-" + m.ID, when(m.UI.Problem != "", "aria-invalid"), "true",
		}, text(c.Text)),
		el("p.own", nil,
			el("button.button", []string{"type", "submit"}, text("Save")),
			small("comment-cancel", m.ID, c.ID, "Cancel", "Cancel editing"),
		),
		maybe(m.UI.Problem != "", viewProblem(m).with("problem")),
	)
}
