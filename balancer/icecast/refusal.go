package icecast

import "net/http"

// The refusals below say what Icecast 2.4.4 says, word for word; encoders show
// these texts to their users, and some look for words in them.

// Unauthorized asks for credentials, or for better ones. It is also the answer to
// libshout's SOURCE without credentials. An account service that does not answer
// must never come out as this: BUTT gives the show up.
func Unauthorized() Refusal {
	return Refusal{Status: http.StatusUnauthorized, Reason: "unauthorized", Body: "You need to authenticate\r\n"}
}

// MountInUse is for another account's mount.
func MountInUse() Refusal {
	return Refusal{Status: http.StatusForbidden, Reason: "mount-in-use", Body: "Mountpoint in use"}
}

// TooManySources is for when no recorder has room.
func TooManySources() Refusal {
	return Refusal{Status: http.StatusForbidden, Reason: "too-many-sources", Body: "too many sources connected"}
}

// UnknownRequest is for what is not served here. It is also the answer to
// libshout's /admin/!POKE, which must not go without one: a libshout that gets
// none takes the port for TLS. (Its "OPTIONS *" may be closed without a byte, as
// Icecast does.)
func UnknownRequest() Refusal {
	return Refusal{Status: http.StatusBadRequest, Reason: "unknown-request", Body: "unknown request"}
}
