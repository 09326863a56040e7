package balancer

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"

	"deadair/balancer/fleet"
)

// Rollout is how a new generation of recorders is rolled out beside an old one: cohort
// by cohort, and back. It is about shows that begin. Those on air, and those that come
// back, stay with their recorder.
type Rollout struct {
	OwnApps []string `yaml:"own-apps" json:"own-apps"` // how User-Agents of the platform's own apps begin; all others are third parties'
	Routes  []Route  `yaml:"routes" json:"routes"`     // the first that fits counts; a show that none fits goes to any recorder
}

// Route leads a cohort of shows to a generation of recorders, and elsewhere only when
// none of those can take them.
type Route struct {
	Plan string `yaml:"plan" json:"plan,omitempty"` // of the account; "": any
	Apps string `yaml:"apps" json:"apps,omitempty"` // own or third-party; "": any
	To   string `yaml:"to" json:"to"`               // the generation of the recorders
}

// Whose apps a route is for.
const (
	ownApps        = "own"
	thirdPartyApps = "third-party"
)

// generation is where a show goes that begins; "" for anywhere.
func (r *Rollout) generation(plan, agent string) string {
	apps := thirdPartyApps
	if slices.ContainsFunc(r.OwnApps, func(own string) bool { return strings.HasPrefix(agent, own) }) {
		apps = ownApps
	}
	for _, route := range r.Routes {
		if (route.Plan == "" || route.Plan == plan) && (route.Apps == "" || route.Apps == apps) {
			return route.To
		}
	}
	return ""
}

// maxRoutes bounds what a rollout has.
const maxRoutes = 100

// validate says what is wrong with a rollout over some recorders.
func (r *Rollout) validate(recorders []fleet.Recorder) error {
	if len(r.Routes) > maxRoutes {
		return fmt.Errorf("rollout: %d routes are more than %d", len(r.Routes), maxRoutes)
	}
	for i, route := range r.Routes {
		if !slices.Contains([]string{"", ownApps, thirdPartyApps}, route.Apps) {
			return fmt.Errorf("rollout: routes[%d]: apps are %s or %s, not %q", i, ownApps, thirdPartyApps, route.Apps)
		}
		if route.To == "" || !slices.ContainsFunc(recorders, func(r fleet.Recorder) bool { return r.Generation == route.To }) {
			return fmt.Errorf("rollout: routes[%d]: no recorder is of the generation %q", i, route.To)
		}
	}
	if slices.Contains(r.OwnApps, "") {
		return errors.New("rollout: own-apps: every User-Agent begins with nothing; say how those of your apps begin")
	}
	return nil
}

// generation is where an admission's show goes if it begins.
func (b *Balancer) generation(a *admission) string {
	return b.rollout.Load().generation(a.plan, a.head.Header.Get("User-Agent"))
}

// maxRollout is the longest rollout that an operator can send, in bytes.
const maxRollout = 64 << 10

// tellRollout answers an operator with the rollout as it is.
func (b *Balancer) tellRollout(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(b.rollout.Load()) //nolint:errcheck // an operator who has gone needs no answer
}

// takeRollout has an operator's routes count from now on, until they are changed again,
// the configuration is read again or the process ends.
func (b *Balancer) takeRollout(w http.ResponseWriter, r *http.Request) {
	data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRollout))
	next := Rollout{OwnApps: b.rollout.Load().OwnApps}
	if err == nil {
		err = yaml.UnmarshalWithOptions(data, &next, yaml.Strict())
	}
	if err == nil {
		err = next.validate(b.cfg.Recorders)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	b.rollout.Store(&next)
	b.log.Info("rollout changed", "routes", next.Routes)
	b.tellRollout(w, r)
}
