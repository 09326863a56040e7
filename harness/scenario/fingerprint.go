package scenario

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strconv"
)

// Fingerprint is the same for two plans that play and judge the same, whatever
// their seed chose and whatever is said about them. Runs of plans with different
// ones must not be compared.
func (p *Plan) Fingerprint() string {
	q := *p
	q.File, q.Title, q.Story, q.Date, q.Seed = "", "", "", "", 0
	q.OnDemand = false
	q.Assumed, q.Affects, q.Documented = nil, nil, nil
	q.Broadcasters = slices.Clone(p.Broadcasters)
	for i := range q.Broadcasters {
		q.Broadcasters[i].Password = ""
	}
	q.Steps = slices.Clone(p.Steps)
	for i, s := range q.Steps {
		q.Steps[i].Line, q.Steps[i].Assumed = 0, false
		q.Steps[i].Who = []string{strconv.Itoa(len(s.Who))}
	}
	data, err := json.Marshal(q)
	if err != nil {
		panic(err) // settings are text, numbers and words
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
