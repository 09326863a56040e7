package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"deadair/balancer/account"
)

func TestMain(m *testing.M) {
	if os.Getenv(child) != "" {
		main()
		return
	}
	goleak.VerifyTestMain(m)
}

// child has the test's own binary be the command.
const child = "DEADAIR_BALANCER_CHILD"

const minimal = `
redis: 127.0.0.1:1
datacenter: eu
accounts: {anna: secret}
recorders: [{name: r, datacenter: eu, addr: "127.0.0.1:1", admin: "127.0.0.1:1"}]
listen: 127.0.0.1:0
admin: 127.0.0.1:0
`

func configFile(t *testing.T, text string) string {
	path := filepath.Join(t.TempDir(), "balancer.yaml")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	return path
}

// output is what the command says, while it runs.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}

func TestWrongUseSaysWhatToDo(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		code int
		says string
	}{
		"nothing":      {nil, exitUsage, "give the configuration file: -config FILE"},
		"help":         {[]string{"-help"}, exitOK, "-config file"},
		"unknown flag": {[]string{"-x"}, exitUsage, "flag provided but not defined: -x"},
		"argument":     {[]string{"run"}, exitUsage, `unexpected argument "run"`},
		"no file":      {[]string{"-config", "/nowhere/b.yaml"}, exitUsage, "no such file"},
		"unknown key":  {[]string{"-config", configFile(t, "nam: x\n")}, exitUsage, "nam"},
		"short window": {[]string{"-config", configFile(t, minimal+"window: 30s\n")}, exitUsage, "window: 30s is shorter"},
		"no password":  {[]string{"-hash-password"}, exitFailed, "give it on standard input"},
		"busy address": {[]string{"-config", configFile(t, minimal), "-listen", "192.0.2.1:80"}, exitFailed, "listen for sources"},
	} {
		t.Run(name, func(t *testing.T) {
			var out output
			require.Equal(t, c.code, run(c.args, nil, strings.NewReader(""), &out, &out))
			require.Contains(t, out.String(), c.says)
		})
	}
}

func TestSignals(t *testing.T) {
	for name, sent := range map[string][]os.Signal{
		"SIGTERM without shows": {syscall.SIGTERM},
		"Ctrl-C":                {os.Interrupt},
		"SIGHUP, then SIGTERM":  {syscall.SIGHUP, syscall.SIGTERM},
		"twice":                 {syscall.SIGTERM, syscall.SIGTERM},
	} {
		t.Run(name, func(t *testing.T) {
			signals := make(chan os.Signal, 4)
			for _, s := range sent {
				signals <- s
			}
			var out output
			args := []string{"-config", configFile(t, minimal), "-name", "b1"}
			ended := make(chan int, 1)
			go func() { ended <- run(args, signals, nil, &out, &out) }()
			select {
			case code := <-ended:
				require.Equal(t, exitOK, code, out.String())
			case <-time.After(30 * time.Second):
				t.Fatal("still running: ", out.String())
			}
			require.Equal(t, sent[0] == syscall.SIGHUP, strings.Contains(out.String(), "read accounts and certificate again"), out.String())
		})
	}
}

func TestHashedPasswordIsAccepted(t *testing.T) {
	var out, trouble output
	require.Equal(t, exitOK, run([]string{"-hash-password"}, nil, strings.NewReader("se cret\r\n"), &out, &trouble))
	require.Empty(t, trouble.String())
	list, err := account.NewList(map[string]account.Account{"anna": {Password: strings.TrimSpace(out.String())}})
	require.NoError(t, err)
	_, err = list.Check(t.Context(), account.Request{User: "anna", Password: "se cret"})
	require.NoError(t, err)
	_, err = list.Check(t.Context(), account.Request{User: "anna", Password: "secret"})
	require.ErrorIs(t, err, account.ErrWrong)
}
