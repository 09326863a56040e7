// Package realclient holds real source clients against the real servers: ffmpeg,
// Liquidsoap, ezstream, ices2 and DarkIce as Debian packages them, the balancers and
// recorders as they ship, on real sockets. It is what the personas of
// fakes/broadcaster are held against.
//
// All of it is tests. Each runs in two network namespaces of its own, one for the
// servers, one for the client, joined by a veth pair; the client has a mount namespace
// too, in which the name server is the fake Route 53. What a client did is read from
// the packets between the two, what came of it from the recorders' disks, and what a
// listener, a real one as well, heard. A persona that does not do as its client fails.
//
// It needs Linux, root, iproute2, util-linux and the clients; what is missing is told
// and skipped. DEADAIR_REAL_CLIENTS=required fails instead of skipping,
// DEADAIR_REAL_CLIENTS=off skips everything.
//
// It does not do: BUTT and Mixxx, which need a screen; stalls and black holes, which
// clients notice after minutes; latency and loss of the network.
package realclient
