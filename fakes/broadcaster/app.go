package broadcaster

import (
	"fmt"
	"time"
)

// AppAgent is how the User-Agent of the platform's own app begins.
const AppAgent = "DeadAirApp/"

// app is the platform's own app on a phone, with the habits that such an app should
// have: it uses PUT and waits for the answer, tries every address, comes back a second
// after a loss and then every five, and after five minutes leaves it to its user.
// There is no real one: it is made up.
func app() Persona {
	return Persona{
		Name:      "app",
		Forms:     []Form{{Head: appHead, Judge: appJudge}},
		Addresses: AllAddresses,
		Patience:  Patience{First: 60, Again: 60},
		Deadlines: Deadlines{Connect: 10 * time.Second, Reply: 10 * time.Second, Write: 10 * time.Second},
		Waits:     Waits{FirstRetry: Wait{For: time.Second}, Retry: Wait{For: 5 * time.Second}},
	}
}

func appHead(dst []byte, r Request) []byte {
	dst = fmt.Appendf(dst, "PUT %s HTTP/1.1\r\nHost: %s:%d\r\nAuthorization: Basic %s\r\n", r.Mount, r.Host, r.Port, r.basic())
	dst = fmt.Appendf(dst, "User-Agent: %s1.0 (Android)\r\nContent-Type: %s\r\n", AppAgent, r.Type)
	return append(appendField(dst, "ice-name", r.Name), "Expect: 100-continue\r\n\r\n"...)
}

// appJudge ends the show only when the password is wrong: a person has to type it again.
func appJudge(r Reply) Verdict {
	switch {
	case r.Status == 100 || r.Status/100 == 2:
		return Accept
	case r.Status == 401:
		return GiveUp
	}
	return Again
}
