// Package history is the only evidence of a run: what the witnesses saw, one
// event per line of JSON, ordered by time.
//
// It owns the event's form, its order on disk and its hash. It does not judge
// and it does not know how events came about. Witnesses are the broadcasters,
// the world (links, nodes, DNS, health checkers) and the disks at the end; the
// system under test never writes here.
package history

import "time"

// Kind says what an event reports. Who reports it is Event.Node.
type Kind string

// Events of the run itself; Node is "harness".
const (
	// RunStarted opens a history: the stack is up and healthy, incident time is 0.
	RunStarted Kind = "run-started"
	// RunEnded closes it. Detail is empty, or why the harness could not finish.
	RunEnded Kind = "run-ended"
	// BaselineFailed means the stack was not healthy before the first fault. Detail says what was missing.
	BaselineFailed Kind = "baseline-failed"
	// Canary is the worst lateness of the harness' own timers since the last
	// canary: Took, in incident time. Only worlds in real time report it. There is one
	// more of a node, which Node then names, that may get no processor while others do: in
	// containers for each, elsewhere if it waited for one longer than the harness may be late.
	Canary Kind = "canary"
	// Starved is what else this machine had the run wait for: Took, in incident time. Only
	// worlds in real time report it. Of Class processor there is one a second, where the
	// system counts it: how much of the second one admission can have waited, in all the
	// processes that it passes through; Subject is the node that waited longest at a stretch.
	// Of Class disk Node is a node that one operation of its disk kept waiting, faults aside.
	Starved Kind = "starved"
	// HashChoice tells which recorder (Peer) the hash alone would choose for the
	// broadcaster Subject, with every recorder of its nearest datacenter healthy.
	HashChoice Kind = "hash-choice"
)

// Events of faults; Node is "harness", Fault is the step's id ("step-1").
const (
	// FaultBegan is a fault injected. Detail is its sentence.
	FaultBegan Kind = "fault-began"
	// FaultTouched is confirmed at the far end: Count connections (or nodes,
	// broadcasters) and Bytes were hit. A fault without it touched nothing.
	FaultTouched Kind = "fault-touched"
	// FaultEnded is a fault healed or over.
	FaultEnded Kind = "fault-ended"
)

// Events of nodes; Node is "world", Subject the node.
const (
	// NodeReady is a node that listens on all its ports.
	NodeReady Kind = "node-ready"
	// NodeEnded is a node's end. Class is killed, stopped, or crashed (nobody asked).
	NodeEnded Kind = "node-ended"
)

// Events of a broadcaster; Node is its name.
const (
	// OnAir is the instant of frame 0. The show's clock runs from here whether connected or not.
	OnAir Kind = "on-air"
	// OffAir is the end of the show: frames 0 to Frame-1 were produced.
	OffAir Kind = "off-air"
	// Resolved is an answer of the broadcaster's resolver: Hosts in order, or Class.
	Resolved Kind = "resolved"
	// Attempt is one try to connect that is over: Peer is the balancer's host,
	// Took its length, Class its outcome: accepted, refused, reset, eof, timeout,
	// unresolved, or answered (Status then is the code that was not a success).
	// Frame is the first frame that will be sent when accepted. One that fails as the
	// one before did is told once a minute: Count is how many it stands for, Took the last one's.
	Attempt Kind = "attempt"
	// Lost is a connection that ended during the show: Peer, Class (reset, eof,
	// timeout, dropped when the broadcaster's own side ended it), Frame is the first one not sent.
	Lost Kind = "lost"
	// GaveUp is a broadcaster whose client will not try again: its show is lost for
	// good. Class and Status as of its last Attempt, or of the Lost that ended it.
	GaveUp Kind = "gave-up"
)

// Events of visitors of the website and the API; Node is the visitor, or the broadcaster
// whose app asks.
const (
	// Requested is what came of a request for the site Subject: Peer is the server,
	// Class ok, or answered (Status then is the code that was not a success), refused,
	// reset, eof, timeout, unresolved. Requests that are ok are counted for a while:
	// Count is how many it stands for, Took the slowest one's.
	Requested Kind = "requested"
	// Listened is a stretch of a listener's time that is over: Took is its length, Peer the
	// server, OK whether he heard something. Class is ok, or why the connection ended; of
	// silence why there was none, and ok while he tuned in. It is told once a minute at least.
	Listened Kind = "listened"
)

// Events of DNS and its health checkers.
const (
	// CheckerSaw is one checker's changed opinion. Node is the checker, Subject
	// the balancer, or a server of another name's, OK its new opinion, Class why (ok,
	// status, refused, timeout, reset).
	CheckerSaw Kind = "checker-saw"
	// Voted is a changed health of a record. Node is "route53", Subject the
	// balancer or server, OK the health, Count the checkers that say healthy, Of all checkers.
	Voted Kind = "voted"
	// AnswerChanged is what DNS now answers for the region Subject, or for a name that
	// is not ingest's: Hosts, sorted.
	// Class is "fail-open" when nothing was healthy.
	AnswerChanged Kind = "answer-changed"
)

// Events of watched links; Node is "world".
const (
	// Dialed is a new connection from Subject to Peer over a watched link. Class is ok or why not.
	Dialed Kind = "dialed"
	// Hung is a connection from Subject to Peer that ended. Class is eof or reset.
	Hung Kind = "hung"
	// Probe is a question the harness itself asked from the host Subject to Peer:
	// OK tells whether it was answered, Class how. Detail names the question
	// ("redis-write", "admission"). Reported on change and once a minute; Count is how many it stands for.
	Probe Kind = "probe"
)

// Evidence from the disks at the end; Node is the recorder.
const (
	// SegmentFound is one segment file: Subject is the broadcaster whose frames
	// are in it, Session, Epoch, File, Ranges of frame numbers in file order,
	// Count of frames, Bytes, Bad frames (a checksum or somebody else's), Hash of the bytes.
	SegmentFound Kind = "segment-found"
	// DiskHashed is the hash of a whole disk: Hash, Count files, Bytes.
	DiskHashed Kind = "disk-hashed"
	// Probed tells at the end how often health checkers looked: Node is "checkers", Count the probes.
	Probed Kind = "probed"
)

// Evidence from the object store at the end; Node is "store".
const (
	// TrackStored is the instant at which a track appeared, or another version of it:
	// File is its key, Session the one that the key names, Bytes, Hash its ETag.
	TrackStored Kind = "track-stored"
	// TrackFound is one track that is there at the end: as SegmentFound, with File its
	// key, and Revision and Gaps as its record lists them.
	TrackFound Kind = "track-found"
	// StoreRead ends what is told of the store: Count objects, Of uploads left half done.
	StoreRead Kind = "store-read"
)

// Evidence from the relay for mails at the end; Node is "mail".
const (
	// MailTaken is a mail that the relay took: Subject is the broadcaster to whom it goes,
	// File its Message-ID, Session the one that its text names, or its Message-ID if the text
	// names none. Class is ok, or blank when there is nothing to read in it; Bytes is the
	// text's length.
	MailTaken Kind = "mail-taken"
	// MailsRead ends what is told of the relay: Count mails.
	MailsRead Kind = "mails-read"
)

// Event is one thing that a witness saw. Fields that a kind does not use stay
// zero and are left out of the line.
type Event struct {
	At      time.Duration `json:"t"`              // incident time since RunStarted, in ns
	Node    string        `json:"node"`           // the witness
	Seq     int           `json:"seq"`            // per witness, from 1
	Kind    Kind          `json:"kind"`           //
	Subject string        `json:"of,omitempty"`   // whom it is about
	Peer    string        `json:"peer,omitempty"` // the other end
	Fault   string        `json:"fault,omitempty"`
	Class   string        `json:"class,omitempty"` // a class of outcome, never an error's text
	Status  int           `json:"status,omitempty"`
	OK      bool          `json:"ok,omitempty"`
	Frame   int64         `json:"frame,omitempty"`
	Count   int           `json:"n,omitempty"`
	Of      int           `json:"of_n,omitempty"`
	Bytes   int64         `json:"bytes,omitempty"`
	Bad     int           `json:"bad,omitempty"`
	Took    time.Duration `json:"took,omitempty"` // incident time
	Hosts   []string      `json:"hosts,omitempty"`
	Session string        `json:"session,omitempty"`
	Epoch   int64         `json:"epoch,omitempty"`
	File    string        `json:"file,omitempty"`
	Ranges  []Range       `json:"ranges,omitempty"`
	Hash    string        `json:"hash,omitempty"`
	Detail  string        `json:"detail,omitempty"`

	Revision int   `json:"revision,omitempty"`
	Gaps     []Gap `json:"gaps,omitempty"`
}

// Gap is a time that a track's record lists as missing.
type Gap struct {
	At     time.Duration `json:"at"`     // into the track
	Length time.Duration `json:"length"` // incident time
	Cause  string        `json:"cause,omitempty"`
}

// Times is how many attempts, or probes, an event stands for.
func (e Event) Times() int { return max(1, e.Count) }

// Range is a run of consecutive frame numbers, both ends included.
type Range struct {
	From int64 `json:"from"`
	To   int64 `json:"to"`
}
