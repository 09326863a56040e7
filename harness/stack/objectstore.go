package stack

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"path"
	"strings"
	"time"

	"deadair/balancer/audio"
	"deadair/balancer/env"
	"deadair/fakes/objectstore"
	"deadair/harness/history"
	"deadair/harness/scenario"
	"deadair/harness/world"
)

// What recorders have to know of the store besides its address.
const (
	storeBucket = "tracks"
	storeKey    = "deadair"
)

// storePart is the object store that finished shows are published to.
func storePart() part {
	return part{kind: kindStore, serve: objectstore.Serve, hosts: single(storeHost), node: storeNode, asked: true}
}

func storeNode(_ *Stack, _ scenario.Datacenter, name string) (*world.Node, error) {
	data, err := json.Marshal(objectstore.Config{Bucket: storeBucket, Key: storeKey, Admin: adminAddr()})
	if err != nil {
		return nil, fmt.Errorf("configure %s: %w", name, err)
	}
	return &world.Node{Name: name, Kind: kindStore, Config: data, Ports: []int{storePort, adminPort}}, nil
}

// collectStore reads the store's disk: when tracks appeared, and what is in those that
// are there. Then it reads what broadcasters were told of them.
func (s *Stack) collectStore() error {
	if s.plan.System.Store == nil {
		return nil
	}
	disk := s.world.Disk(storeHost)
	versions, err := objectstore.Read(disk)
	if err != nil {
		return err
	}
	left, err := objectstore.Unfinished(disk)
	if err != nil {
		return err
	}
	now, wall := s.world.Now(), s.world.Env(storeHost).Wall()
	there := map[string]objectstore.Version{}
	var keys []string
	for _, v := range versions {
		if _, known := there[v.Key]; !known {
			keys = append(keys, v.Key)
		}
		there[v.Key] = v
		if !v.Deleted && isTrack(v.Key) {
			at := time.Duration(float64(now-wall.Sub(v.At)) * s.plan.Speed)
			s.log.Add(history.Event{At: max(at, 1), Node: storeHost, Kind: history.TrackStored, File: v.Key, Session: sessionOf(v.Key), Bytes: v.Size, Hash: v.ETag})
		}
	}
	count, sessions := 0, map[string]bool{}
	for _, key := range keys {
		v := there[key]
		if v.Deleted {
			continue
		}
		count++
		if isTrack(key) {
			sessions[sessionOf(key)] = true
			if err := s.collectTrack(disk, v, there[sessionOf(key)+".json"]); err != nil {
				return err
			}
		}
	}
	s.log.Add(history.Event{Node: storeHost, Kind: history.StoreRead, Count: count, Of: len(left)})
	return s.collectMails(sessions)
}

// isTrack tells a track from a record.
func isTrack(key string) bool { return path.Ext(key) != ".json" }

// sessionOf is the session that a key names: "<session>.mp3", "<session>-2.ogg".
func sessionOf(key string) string {
	stem := strings.TrimSuffix(key, path.Ext(key))
	session, _, _ := strings.Cut(stem, "-")
	return session
}

// storedRecord is what the harness reads of a session's record.
type storedRecord struct {
	Edition *struct {
		Revision int
		Tracks   []struct {
			Key  string
			Gaps []struct {
				At, Length float64
				Cause      string
			}
		}
	}
}

// collectTrack tells what frames are in a track, and what its record says of it.
func (s *Stack) collectTrack(disk env.Disk, v, record objectstore.Version) error {
	data, err := readFile(disk, v.Blob)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(data)
	var said storedRecord
	if record.Blob != "" {
		text, err := readFile(disk, record.Blob)
		if err == nil {
			err = json.Unmarshal(text, &said)
		}
		if err != nil {
			return fmt.Errorf("read %s: %w", record.Key, err)
		}
	}
	for _, e := range segmentEvents(v.Key, withoutHead(data), s.byID) {
		e.Kind, e.Node, e.Session, e.Epoch, e.Hash = history.TrackFound, storeHost, sessionOf(v.Key), 0, hex.EncodeToString(sum[:8])
		if said.Edition != nil {
			e.Revision = said.Edition.Revision
			for _, t := range said.Edition.Tracks {
				if t.Key != v.Key {
					continue
				}
				for _, g := range t.Gaps {
					e.Gaps = append(e.Gaps, history.Gap{At: seconds(g.At), Length: time.Duration(float64(seconds(g.Length)) * s.plan.Speed), Cause: g.Cause})
				}
			}
		}
		s.log.Add(e)
	}
	return nil
}

func seconds(f float64) time.Duration { return time.Duration(f * float64(time.Second)) }

// withoutHead is a track without the frame that describes it, which is no broadcaster's.
func withoutHead(data []byte) []byte {
	split := audio.Splitter{Format: audio.MP3}
	u, ok := split.Next(data, true)
	if !ok || u.Kind != audio.Frame {
		return data
	}
	if first := string(data[:min(u.Length, 64)]); strings.Contains(first, "Info") || strings.Contains(first, "Xing") {
		return data[u.Length:]
	}
	return data
}
