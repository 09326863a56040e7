package broadcaster

import "fmt"

// libshout is how an application uses libshout 2.4.6, which opens two to four
// connections until it sends, each after a lookup of its own: unless TLS is
// disabled it asks whether the server would upgrade, and pokes it; it sends its
// SOURCE without credentials; and then with them. It would use PUT for a server
// that offers it in the 401; that is not played here.
type libshout struct {
	agent  string                             // its User-Agent
	tls    bool                               // TLS is not disabled
	fields func(dst []byte, r Request) []byte // what the application tells of the stream
}

func (l libshout) forms() []Form {
	forms := []Form{
		{Head: l.challengeHead, Judge: shoutChallengeJudge, Question: true},
		{Head: l.sourceHead, Judge: shoutSourceJudge},
	}
	if !l.tls {
		return forms
	}
	return append([]Form{
		{Head: l.optionsHead, Judge: shoutOptionsJudge, Question: true},
		{Head: l.pokeHead, Judge: shoutPokeJudge, Question: true},
	}, forms...)
}

func (l libshout) optionsHead(dst []byte, r Request) []byte {
	dst = fmt.Appendf(dst, "OPTIONS * HTTP/1.1\r\nHost: %s:%d\r\nUser-Agent: %s\r\n", r.Host, r.Port, l.agent)
	return append(dst, "Connection: Upgrade\r\nUpgrade: TLS/1.0, HTTP/1.1\r\n\r\n"...)
}

func (l libshout) pokeHead(dst []byte, r Request) []byte {
	return fmt.Appendf(dst, "GET /admin/!POKE HTTP/1.1\r\nHost: %s:%d\r\nUser-Agent: %s\r\n\r\n", r.Host, r.Port, l.agent)
}

func (l libshout) challengeHead(dst []byte, r Request) []byte {
	dst = l.begin(fmt.Appendf(dst, "SOURCE %s HTTP/1.0\r\n", r.Mount), r)
	return l.end(append(dst, "Content-Length: 0\r\nConnection: Keep-Alive\r\n"...), r)
}

func (l libshout) sourceHead(dst []byte, r Request) []byte {
	dst = fmt.Appendf(dst, "SOURCE %s HTTP/1.0\r\nAuthorization: Basic %s\r\n", r.Mount, r.basic())
	return l.end(l.begin(dst, r), r)
}

func (l libshout) begin(dst []byte, r Request) []byte {
	return fmt.Appendf(dst, "Host: %s:%d\r\nUser-Agent: %s\r\nContent-Type: %s\r\n", r.Host, r.Port, l.agent, r.Type)
}

func (l libshout) end(dst []byte, r Request) []byte {
	dst = append(dst, "ice-public: 0\r\n"...)
	return append(l.fields(dst, r), "Prefer: return=minimal\r\n\r\n"...)
}

// shoutOptionsJudge: a server that closes knows no TLS.
func shoutOptionsJudge(r Reply) Verdict {
	if r.Class == Timeout {
		return Again
	}
	return NextForm
}

func shoutPokeJudge(r Reply) Verdict {
	if r.Class == Answered {
		return NextForm
	}
	return Again
}

// shoutChallengeJudge goes on after the codes that ask for credentials, or for nothing.
func shoutChallengeJudge(r Reply) Verdict {
	if r.Status/100 == 2 || r.Status == 401 || r.Status == 405 {
		return NextForm
	}
	return Again
}

func shoutSourceJudge(r Reply) Verdict {
	if r.Status/100 == 2 {
		return Accept
	}
	return Again
}
