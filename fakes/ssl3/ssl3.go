// Package ssl3 is the first words of SSL 3.0, which nothing that is well kept speaks
// any more: a client's hello, and a server's that takes it up.
//
// It does not do: ciphers, keys, anything after the hellos. Who has come so far has
// agreed to SSL 3.0, and that is all there is to know.
package ssl3

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
)

// What records and hellos begin with.
const (
	alert     = 21
	handshake = 22

	clientHello = 1
	serverHello = 2

	headerLen = 5
	maxRecord = 1<<14 + 2048
)

// Errors of Shake.
var (
	// ErrDeclined tells that the server would not speak SSL 3.0.
	ErrDeclined = errors.New("ssl 3.0 was declined")
	// ErrForeign tells that what answered does not speak SSL at all.
	ErrForeign = errors.New("what came is no record of ssl")
)

// ClientHello is the hello of a client that speaks SSL 3.0 and nothing later.
func ClientHello() []byte {
	suites := []byte{0x00, 0x04, 0x00, 0x05, 0x00, 0x0a} // RC4 with MD5 or SHA, 3DES
	body := []byte{3, 0}
	body = append(body, make([]byte, 32)...) // its random number, which nobody will use
	body = append(body, 0)                   // no session
	body = binary.BigEndian.AppendUint16(body, uint16(len(suites)))
	body = append(body, suites...)
	return record(clientHello, append(body, 1, 0)) // no compression
}

// ServerHello is the answer of a server that takes such a hello up.
func ServerHello() []byte {
	body := []byte{3, 0}
	body = append(body, make([]byte, 32)...)
	return record(serverHello, append(body, 0, 0x00, 0x0a, 0))
}

// record wraps a message of the handshake.
func record(kind byte, body []byte) []byte {
	n := len(body)
	all := []byte{handshake, 3, 0}
	all = binary.BigEndian.AppendUint16(all, uint16(n+4))
	return append(append(all, kind, byte(n>>16), byte(n>>8), byte(n)), body...)
}

// OldHello reads the first record of a client, and tells whether it is the hello of one
// that speaks SSL 3.0 and nothing later. begun is what was read, whatever it is.
func OldHello(r io.Reader) (old bool, begun []byte, err error) {
	var read bytes.Buffer
	kind, body, err := readRecord(io.TeeReader(r, &read))
	if errors.Is(err, ErrForeign) {
		return false, read.Bytes(), nil
	}
	hello := kind == handshake && len(body) >= 6 && body[0] == clientHello
	return hello && body[4] == 3 && body[5] == 0, read.Bytes(), err
}

// Shake says hello, and returns nil when the server agrees to SSL 3.0.
func Shake(rw io.ReadWriter) error {
	if _, err := rw.Write(ClientHello()); err != nil {
		return err
	}
	kind, body, err := readRecord(rw)
	switch {
	case err != nil:
		return err
	case kind == alert:
		return ErrDeclined
	case kind == handshake && len(body) >= 6 && body[0] == serverHello && body[4] == 3 && body[5] == 0:
		return nil
	}
	return ErrForeign
}

func readRecord(r io.Reader) (kind byte, body []byte, err error) {
	var head [headerLen]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return 0, nil, err
	}
	n := binary.BigEndian.Uint16(head[3:])
	if head[0] < 20 || head[0] > 23 || head[1] != 3 || n > maxRecord {
		return 0, nil, ErrForeign
	}
	body = make([]byte, n)
	_, err = io.ReadFull(r, body)
	return head[0], body, err
}
