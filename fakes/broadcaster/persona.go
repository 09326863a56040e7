package broadcaster

import (
	"encoding/base64"
	"math"
	"time"
)

// Persona is a source client as broadcasters use it: its form on the wire, how
// it reads answers, how long it waits, when it gives up. It is data: one value
// serves any number of broadcasters.
type Persona struct {
	Name string

	// Forms are the ways to ask for the stream, in the client's order. Each is
	// tried on a new connection after a new lookup; the next only after NextForm.
	Forms []Form

	// Preamble is sent in front of the audio of each connection.
	Preamble string

	// Addresses are those of a name that the client knows.
	Addresses Addresses

	// NoticesClose has the client notice the peer's end of file or reset at once.
	// Otherwise it notices when a write fails.
	NoticesClose bool

	// SendsOn has the client, once it was on air, send its audio to a server that
	// has refused it, until that ends the connection.
	SendsOn bool

	Patience  Patience
	Deadlines Deadlines
	Waits     Waits
}

// Endless is the patience of a client that never gives up.
const Endless = math.MaxInt

// Patience is how many tries in a row may fail until a client gives up for good
// and leaves the show to a human.
type Patience struct {
	First int // before it was on air, at least 1
	Again int // after a loss; zero: it ends with its connection
	Real  int // how many of Again reach the network, the others fail by themselves; zero: all
	Rush  int // how many of Again follow one another without Waits.Retry
}

// Deadlines are how long a client lets the network take. They are times of the
// clock and are not scaled with the show. Zero is no limit of the client's own.
type Deadlines struct {
	Connect     time.Duration // one address
	NextAddress time.Duration // until the next address is tried beside a slow one; zero: one after the other
	Reply       time.Duration // from the connection to the answer
	Write       time.Duration // one write that finds no room
}

// Addresses are which of a name's addresses a client tries.
type Addresses int

const (
	FirstAddress Addresses = iota // the first of the answer
	LastAddress                   // the last of it
	AllAddresses                  // the next when one does not connect
)

// Waits are how long a client rests. Whoever runs shows faster than the clock
// divides them all by the same factor.
type Waits struct {
	FirstRetry Wait          // from noticing a loss to the next attempt
	AfterReset Wait          // instead, when the connection was reset; zero: no difference
	Retry      Wait          // from a failed attempt to the next one
	AfterReply time.Duration // more than Retry when the server had been reached
}

// Wait is a rest that begins when the client next looks what is up, so it lasts
// For to For + Tick. Zero is none.
type Wait struct {
	For  time.Duration
	Tick time.Duration // how often it looks, counted from on air; zero: all the time
}

// Form is one way to ask for the stream, or a question that the client asks before.
type Form struct {
	Head   func(dst []byte, r Request) []byte // appends the request's head
	Status func(answer string) int            // the code the client reads; nil: that of the first line
	Judge  func(Reply) Verdict                // what it makes of the answer

	// Ready appends what an accepted client sends before Preamble; nil: nothing.
	Ready func(dst []byte, r Request) []byte
	// Chunk is the format of a chunk's length, such as "%x\r\n", with which the
	// body is chunked as in HTTP/1.1; empty: the body is raw.
	Chunk string
	// Port is added to the ingest's.
	Port int
	// Late is how many of the head's last bytes come in a segment of their own.
	Late int
	// Question marks a form whose answer NextForm was to be expected: it is not
	// reported as a failed attempt.
	Question bool
	// Blind has the client send its stream behind the head at once, whatever the
	// answer. The witness reads it nevertheless.
	Blind bool
}

// Request is what a client puts into a head.
type Request struct {
	Host                          string
	Port                          int
	Mount, Account, Password      string
	Name, Description, Genre, URL string // of the show; an empty one is left out
	Type                          string // of the audio, such as "audio/mpeg"
	Bitrate, SampleRate, Channels int    // of the audio, in bit/s and 1/s
}

// basic is the credentials as HTTP's Basic scheme has them.
func (r Request) basic() string {
	return base64.StdEncoding.EncodeToString([]byte(r.Account + ":" + r.Password))
}

// Reply is what came back for a head.
type Reply struct {
	Class  Class // Answered, EOF, Reset or Timeout
	Status int   // when answered; 0 if there was no code
}

// Verdict is what a client does after a Reply.
type Verdict int

const (
	Again    Verdict = iota // try again later, from the first form, as long as Patience lasts
	Accept                  // send the stream
	NextForm                // try the next form now; after the last one, Again
	GiveUp                  // leave it to a human
)
