package httpapi

import (
	_ "embed"
	"net/http"
)

//go:embed openapi.json
var openAPI []byte

// health answers that the process lives.
func (a *API) health(w http.ResponseWriter, _ *request) error {
	answer(w, http.StatusOK, map[string]string{"status": "ok"})
	return nil
}

// ready answers whether requests can be served: the store works and the server is
// not shutting down.
func (a *API) ready(w http.ResponseWriter, r *request) error {
	select {
	case <-a.draining:
		return overloaded("the server is shutting down")
	default:
	}
	if err := a.store.Ready(r.Context()); err != nil {
		noteError(r.Request, err)
		return overloaded("the database does not work")
	}
	answer(w, http.StatusOK, map[string]string{"status": "ok"})
	return nil
}

// document serves the OpenAPI description.
func (a *API) document(w http.ResponseWriter, _ *request) error {
	w.Header().Set("Content-Type", "application/json")
	w.Write(openAPI)
	return nil
}
