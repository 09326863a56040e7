package web

import (
	"encoding/json"
	"fmt"
	"net/http"
)

// operators answers at the admin port.
func (s *Server) operators() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", func(w http.ResponseWriter, _ *http.Request) { answer(w, s.now()) })
	mux.HandleFunc("GET /answer", func(w http.ResponseWriter, _ *http.Request) { answer(w, s.now()) })
	mux.HandleFunc("POST /answer", func(w http.ResponseWriter, r *http.Request) {
		var want State
		err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 4<<10)).Decode(&want)
		if err == nil {
			err = s.Answer(want.Status)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		answer(w, s.now())
	})
	mux.HandleFunc("POST /floor", s.raise)
	return mux
}

// Answer has every request answered with one status, 400 to 599, from now on; 0 has
// the server work again.
func (s *Server) Answer(status int) error {
	if status != 0 && (status < 400 || status > 599) {
		return fmt.Errorf("status %d is no failure: from 400 to 599", status)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state = State{Status: status}
	return nil
}

func (s *Server) now() State {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state
}

func answer(w http.ResponseWriter, body any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(body) // the peer may be gone
}
