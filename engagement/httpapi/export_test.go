package httpapi

// Routes returns "METHOD path" of every route, for comparison with the document.
func Routes() []string {
	var all []string
	for _, r := range new(API).routes() {
		all = append(all, r.method+" "+r.path)
	}
	return all
}
