package web

// viewKept lists unsettled changes of posts that are not shown; nil: there are none.
func viewKept(m keptModel) *Node {
	if len(m.Changes) == 0 {
		return nil
	}
	var rows []*Node
	waiting := false
	for _, o := range m.Changes {
		rows = append(rows, viewKeptChange(m, o))
		waiting = waiting || o.State != opFailed
	}
	hint := "Stored in this browser. "
	if !m.Stored {
		hint = "Not stored, lost when this page closes. "
	}
	switch {
	case waiting && m.Held == "network":
		hint += "To be sent when the server is reached."
	case waiting && m.Held == "sign-in":
		hint += "To be sent when you sign in."
	default:
		hint += "Their posts are not on this page."
	}
	return el("section.card kept", []string{"aria-labelledby", "kept-title"},
		el("h2", []string{"id", "kept-title"}, text(plural(len(m.Changes), "unsent change"))),
		el("p.hint", nil, text(hint)),
		el("ul", []string{"role", "list"}, rows...))
}

func viewKeptChange(m keptModel, o *opStatus) *Node {
	what, failed := keptWords(o.Type)
	if o.Off {
		what += " taken back"
	}
	var way, failure *Node
	if o.State == opFailed {
		failure = viewFailure(o.Post, o, failed, false, "Discard").with("failure")
	} else {
		way = viewWay(keptStatus(m, o), "status")
	}
	return el("li", nil,
		el("p.what", nil, text(what), way),
		maybe(o.Text != "", el("blockquote", nil, text(o.Text)).with("quote")),
		failure,
	).with(o.ID)
}

// keptWords returns the words for a type of operation, and for its failure.
func keptWords(typ string) (what, failed string) {
	switch typ {
	case "post":
		return "A post", "Not published"
	case "delete_post":
		return "The deletion of your post", "Not deleted"
	case "comment":
		return "A comment", "Not posted"
	case "edit_comment":
		return "An edit of your comment", "Not saved"
	case "delete_comment":
		return "The deletion of your comment", "Not deleted"
	}
	return "A " + typ, "Not saved"
}

func keptStatus(m keptModel, o *opStatus) string {
	switch {
	case m.Held != "":
		return "waiting"
	case o.State == opRetrying || o.Calls > 1:
		return "trying again"
	}
	return "sending"
}
