package redis

import (
	"fmt"
	"slices"
	"sync/atomic"
)

// Answer is how the server answers.
type Answer string

// Answers. Loading and NoAuth refuse all commands but those that a connection
// starts with. ReadOnly, OOM and Misconf refuse writes, within scripts too: a
// check that only reads stays green; Misconf refuses a PING as well, as Redis does.
// MaxClients turns new connections away and leaves the others alone.
const (
	Healthy    Answer = ""
	Loading    Answer = "loading"
	NoAuth     Answer = "noauth"
	ReadOnly   Answer = "readonly"
	OOM        Answer = "oom"
	Misconf    Answer = "misconf"
	MaxClients Answer = "maxclients"
)

// readOnly is what a replica says to a write.
const readOnly = "READONLY You can't write against a read only replica."

// refusal is what an answer means.
type refusal struct {
	text        string
	refuses     func(command string) bool
	connections bool
	count       atomic.Int64 // of commands and connections refused
}

func (a Answer) refusal() (*refusal, error) {
	switch a {
	case Healthy:
		return &refusal{refuses: nothing}, nil
	case Loading:
		return &refusal{text: "LOADING Redis is loading the dataset in memory", refuses: ordinary}, nil
	case NoAuth:
		return &refusal{text: "NOAUTH Authentication required.", refuses: ordinary}, nil
	case ReadOnly:
		return &refusal{text: readOnly, refuses: writes}, nil
	case OOM:
		return &refusal{text: "OOM command not allowed when used memory > 'maxmemory'.", refuses: grows}, nil
	case Misconf:
		return &refusal{text: "MISCONF Errors writing to the AOF file: No space left on device", refuses: unsaved}, nil
	case MaxClients:
		return &refusal{text: "ERR max number of clients reached", refuses: nothing, connections: true}, nil
	}
	return nil, fmt.Errorf("unknown answer %q: use loading, noauth, readonly, oom, misconf or maxclients, or nothing for a healthy one", string(a))
}

func nothing(string) bool { return false }

// ordinary are all commands but those that a connection starts and ends with.
func ordinary(command string) bool {
	return !slices.Contains([]string{"HELLO", "AUTH", "QUIT"}, command)
}

// writes are the commands that change data: all but the ones known not to.
func writes(command string) bool {
	return !slices.Contains(reads(), command)
}

// unsaved are the commands that a Redis refuses which cannot save.
func unsaved(command string) bool { return writes(command) || command == "PING" }

// grows are the writes that may need memory.
func grows(command string) bool {
	return writes(command) && !slices.Contains([]string{
		"DEL", "UNLINK", "HDEL", "EXPIRE", "PEXPIRE", "EXPIREAT", "PEXPIREAT", "PERSIST",
		"SREM", "SPOP", "ZREM", "LPOP", "RPOP", "LREM", "LTRIM", "FLUSHALL", "FLUSHDB",
	}, command)
}

func reads() []string {
	return []string{
		"AUTH", "CLIENT", "COMMAND", "DBSIZE", "DISCARD", "DUMP", "ECHO", "EVAL", "EVALSHA", "EVAL_RO", "EVALSHA_RO", "EXEC",
		"EXISTS", "EXPIRETIME", "GET", "GETRANGE", "HELLO", "HEXISTS", "HGET", "HGETALL", "HKEYS", "HLEN", "HMGET", "HSCAN",
		"HVALS", "INFO", "KEYS", "LINDEX", "LLEN", "LRANGE", "MGET", "MULTI", "PEXPIRETIME", "PING", "PTTL", "PUBLISH",
		"QUIT", "REPLICAOF", "ROLE", "SCAN", "SCARD", "SCRIPT", "SELECT", "SISMEMBER", "SMEMBERS", "STRLEN", "SUBSCRIBE", "TIME", "TTL", "TYPE",
		"UNSUBSCRIBE", "UNWATCH", "WATCH", "ZCARD", "ZRANGE", "ZSCORE",
	}
}
