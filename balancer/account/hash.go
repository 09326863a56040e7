package account

import (
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
)

const (
	scheme = "$pbkdf2-sha256$"
	// hashIterations is what RFC 7677 asks of SCRAM at least. It is a compromise: all
	// sources of a dead balancer prove theirs at once to another one.
	hashIterations = 4096
	maxIterations  = 1 << 20 // about half a second
	saltSize       = 16
	keySize        = 32
)

// Hash hashes a password for a file of accounts: PBKDF2 (RFC 8018) in the form
// "$pbkdf2-sha256$4096$salt$key", which other tools write as well.
func Hash(password string) (string, error) {
	salt := make([]byte, saltSize)
	rand.Read(salt) // never fails: it ends the process instead
	return hashed{hashIterations, salt, nil}.of(password)
}

// hashed is a hash of a password.
type hashed struct {
	iterations int
	salt, key  []byte
}

func (h hashed) derive(password string, size int) ([]byte, error) {
	key, err := pbkdf2.Key(sha256.New, password, h.salt, h.iterations, size)
	if err != nil {
		return nil, fmt.Errorf("hash password: %w", err)
	}
	return key, nil
}

// of writes down the hash of a password.
func (h hashed) of(password string) (string, error) {
	key, err := h.derive(password, keySize)
	if err != nil {
		return "", err
	}
	code := base64.RawStdEncoding
	return fmt.Sprintf("%s%d$%s$%s", scheme, h.iterations, code.EncodeToString(h.salt), code.EncodeToString(key)), nil
}

var errHash = errors.New(`password must be hashed as "$pbkdf2-sha256$iterations$salt$key"`)

// parseHash reads what Hash writes. It takes "." for "+" in base64 and padding, as
// passlib and others write them.
func parseHash(text string) (hashed, error) {
	rest, ok := strings.CutPrefix(text, scheme)
	parts := strings.Split(rest, "$")
	if !ok || len(parts) != 3 {
		return hashed{}, errHash
	}
	decode := func(s string) ([]byte, error) {
		return base64.RawStdEncoding.DecodeString(strings.TrimRight(strings.ReplaceAll(s, ".", "+"), "="))
	}
	iterations, err1 := strconv.Atoi(parts[0])
	salt, err2 := decode(parts[1])
	key, err3 := decode(parts[2])
	if errors.Join(err1, err2, err3) != nil || iterations < 1 || iterations > maxIterations || len(salt) == 0 || len(key) < saltSize || len(key) > 2*keySize {
		return hashed{}, errHash
	}
	return hashed{iterations, salt, key}, nil
}

// is tells whether a password is the one that was hashed.
func (h hashed) is(password string) bool {
	key, err := h.derive(password, len(h.key))
	return err == nil && subtle.ConstantTimeCompare(key, h.key) == 1
}

// secret is what a password is compared with. What was proven last is remembered by
// a digest that means nothing outside of this process.
type secret struct {
	plain  [sha256.Size]byte // of a plain password
	hash   hashed            // of a hashed one
	pepper [sha256.Size]byte
	right  *atomic.Pointer[[sha256.Size]byte] // digest of the password that was right
	wrong  *atomic.Pointer[[sha256.Size]byte] // digest of the latest that was not
}

// newSecret takes a password that is hashed or plain.
func newSecret(password string) (secret, error) {
	if !strings.HasPrefix(password, "$pbkdf2") {
		return secret{plain: sha256.Sum256([]byte(password))}, nil
	}
	h, err := parseHash(password)
	if err != nil {
		return secret{}, err
	}
	s := secret{hash: h, right: new(atomic.Pointer[[sha256.Size]byte]), wrong: new(atomic.Pointer[[sha256.Size]byte])}
	rand.Read(s.pepper[:]) // never fails: it ends the process instead
	return s, nil
}

func (s *secret) digest(password string) [sha256.Size]byte {
	return sha256.Sum256(append(s.pepper[:], password...))
}

// recall tells whether a password is right, when that costs nothing to tell.
func (s *secret) recall(password string) (right, known bool) {
	if s.right == nil {
		given := sha256.Sum256([]byte(password))
		return equal(given, s.plain), true
	}
	given := s.digest(password)
	if last := s.right.Load(); last != nil && equal(given, *last) {
		return true, true
	}
	last := s.wrong.Load()
	return false, last != nil && equal(given, *last)
}

// prove hashes a password and remembers what came of it.
func (s *secret) prove(password string) bool {
	given := s.digest(password)
	if !s.hash.is(password) {
		s.wrong.Store(&given)
		return false
	}
	s.right.Store(&given)
	return true
}

func equal(a, b [sha256.Size]byte) bool { return subtle.ConstantTimeCompare(a[:], b[:]) == 1 }
