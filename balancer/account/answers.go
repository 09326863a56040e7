package account

import (
	"container/list"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"sync"
	"time"
)

// answers remembers what a service said yes to, up to a number of answers; those
// not used for longest go first. It keeps no passwords.
type answers struct {
	secret [sha256.Size]byte // keys mean nothing outside of this process

	mu    sync.Mutex
	max   int
	byKey map[answerKey]*list.Element
	used  list.List // of *said, latest first
}

type answerKey [sha256.Size]byte

// said is one answer.
type said struct {
	key   answerKey
	at    time.Time
	proof string // "" until there is one
	plan  string // that was told with it
}

func newAnswers(limit int) *answers {
	a := &answers{max: limit, byKey: make(map[answerKey]*list.Element)}
	rand.Read(a.secret[:]) // never fails: it ends the process instead
	return a
}

// key names a question without telling its password.
func (a *answers) key(r Request) answerKey {
	mac := hmac.New(sha256.New, a.secret[:])
	for _, s := range []string{r.User, r.Password, r.Mount} {
		var size [8]byte
		binary.BigEndian.PutUint64(size[:], uint64(len(s)))
		mac.Write(size[:])
		mac.Write([]byte(s))
	}
	if r.Admin {
		mac.Write([]byte{1})
	}
	return answerKey(mac.Sum(nil))
}

// get is the answer, if it was yes.
func (a *answers) get(key answerKey) (said, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	e := a.byKey[key]
	if e == nil {
		return said{}, false
	}
	a.used.MoveToFront(e)
	return *e.Value.(*said), true
}

// put remembers an answer, instead of one of the same key.
func (a *answers) put(s said) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if e := a.byKey[s.key]; e != nil {
		a.used.Remove(e)
	}
	a.byKey[s.key] = a.used.PushFront(&s)
	a.shrink()
}

// limit changes how many are remembered.
func (a *answers) limit(n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.max = n
	a.shrink()
}

// shrink forgets those not used for longest. The caller holds mu.
func (a *answers) shrink() {
	for a.used.Len() > a.max {
		oldest := a.used.Remove(a.used.Back()).(*said)
		delete(a.byKey, oldest.key)
	}
}

func (a *answers) drop(key answerKey) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if e := a.byKey[key]; e != nil {
		a.used.Remove(e)
		delete(a.byKey, key)
	}
}
