package objectstore

import (
	"encoding/xml"
	"fmt"
	"net/http"
)

// refusal is an error as S3 tells it.
type refusal struct {
	status        int
	code, message string
}

// Error implements error.
func (r *refusal) Error() string { return fmt.Sprintf("%d %s: %s", r.status, r.code, r.message) }

func refuse(status int, code, message string) *refusal { return &refusal{status, code, message} }

// errorBody is an error's form.
type errorBody struct {
	XMLName xml.Name `xml:"Error"`
	Code    string   `xml:"Code"`
	Message string   `xml:"Message"`
}

// answer writes a refusal.
func (r *refusal) answer(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(r.status)
	_, _ = w.Write(r.body())
}

func (r *refusal) body() []byte { return inXML(errorBody{Code: r.code, Message: r.message}) }

// inXML encodes an answer. Answers are plain structs.
func inXML(v any) []byte {
	data, err := xml.Marshal(v)
	if err != nil {
		panic(err)
	}
	return append([]byte(xml.Header), data...)
}

// answerXML answers 200.
func answerXML(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/xml")
	_, _ = w.Write(inXML(v))
}

// lose ends a connection without an answer.
func lose(http.ResponseWriter) { panic(http.ErrAbortHandler) }
