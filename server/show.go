package server

import "net/http"

// Show returns a handler that answers with the [View] of an entity, as the user of the
// request sees it. entity returns the id of the entity of a request. The answer is 404
// for an entity that never existed; the state of a deleted entity is null.
func (k *Kit) Show(entity func(*http.Request) string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, err := k.user(r)
		if err != nil {
			k.refuse(w, r, err)
			return
		}
		views, err := k.truthNow(r.Context(), user, []string{entity(r)})
		if err == nil && views[0].Version == 0 && views[0].State == nil {
			err = &Refusal{Status: http.StatusNotFound, Detail: "there is no such thing"}
		}
		if err != nil {
			k.refuse(w, r, err)
			return
		}
		writeJSON(w, http.StatusOK, "application/json", views[0])
	})
}
