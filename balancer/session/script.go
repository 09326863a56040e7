package session

import (
	_ "embed" // the scripts
	"fmt"
	"time"
)

// Each script returns {status, key, Redis time in ms, …}. They are sent whole with
// every call: by their hash a restarted Redis would cost one more round trip.
var (
	//go:embed now.lua
	luaNow string
	//go:embed held.lua
	luaHeld string
	//go:embed claim.lua
	luaClaim string
	//go:embed settle.lua
	luaSettle string
	//go:embed title.lua
	luaTitle string
	//go:embed renew.lua
	luaRenew string
	//go:embed release.lua
	luaRelease string
	//go:embed lookup.lua
	luaLookup string
	//go:embed probe.lua
	luaProbe string
)

// reply is what a script returned.
type reply struct {
	status  string
	now     time.Duration // Redis time since 1970
	session Session       // without mount; only with Claim and Lookup
}

// parseReply checks a script's answer. The key shows that it is the answer to this
// very question.
func parseReply(key string, values []any) (reply, error) {
	var r reply
	if len(values) < 3 {
		return r, fmt.Errorf("script answered %d values", len(values))
	}
	status, ok1 := values[0].(string)
	echo, ok2 := values[1].(string)
	now, ok3 := values[2].(int64)
	if !ok1 || !ok2 || !ok3 || echo != key {
		return r, fmt.Errorf("script gave the answer to another question: %q", echo)
	}
	r.status, r.now = status, time.Duration(now)*time.Millisecond
	if len(values) == 3 {
		return r, nil
	}
	if len(values) != 11 {
		return r, fmt.Errorf("script answered %d values", len(values))
	}
	texts := [...]*string{&r.session.ID, &r.session.Account, &r.session.Recorder, &r.session.Datacenter, &r.session.Title, &r.session.Proof}
	for i, text := range texts {
		if *text, ok1 = values[3+i].(string); !ok1 {
			return r, fmt.Errorf("script answered a %T for a text", values[3+i])
		}
	}
	epoch, ok1 := values[9].(int64)
	until, ok2 := values[10].(int64)
	if !ok1 || !ok2 {
		return r, fmt.Errorf("script answered a %T and a %T for numbers", values[9], values[10])
	}
	r.session.Epoch, r.session.Until = epoch, time.UnixMilli(until)
	return r, nil
}
