package recorder_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/balancer/icecast"
	"deadair/balancer/recorder"
)

// TestRealListener plays a live mount with ffmpeg, from the middle of the show on.
func TestRealListener(t *testing.T) {
	ffmpeg, err := exec.LookPath("ffmpeg")
	if err != nil {
		t.Skip("ffmpeg is not installed: it makes the stream and listens to it")
	}
	for name, c := range map[string]struct{ options, says string }{
		"mp3":    {"-c:a libmp3lame -b:a 128k -reservoir 0 -id3v2_version 0 -write_xing 0 -f mp3", "Audio: mp3"},
		"aac":    {"-c:a aac -b:a 96k -f adts", "Audio: aac"},
		"opus":   {"-c:a libopus -b:a 64k -page_duration 100000 -f ogg", "Audio: opus"},
		"vorbis": {"-c:a libvorbis -b:a 96k -page_duration 100000 -f ogg", "Audio: vorbis"},
	} {
		t.Run(name, func(t *testing.T) {
			args := append(strings.Fields("-v error -f lavfi -i sine=frequency=440:duration=30 -ac 2 -ar 48000"), strings.Fields(c.options)...)
			stream, err := exec.Command(ffmpeg, append(args, "-")...).Output()
			require.NoError(t, err)
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			addr := liveShow(ctx, t, stream)

			listen := exec.CommandContext(ctx, ffmpeg, "-v", "info", "-nostats", "-i", "http://"+addr+"/show", "-t", "3", "-f", "s16le", "-ac", "1", "-ar", "8000", "-")
			var pcm, said bytes.Buffer
			listen.Stdout, listen.Stderr = &pcm, &said
			require.NoError(t, listen.Run(), "%s", said.String())
			require.Contains(t, said.String(), c.says)
			require.Contains(t, said.String(), "icy-name        : Late Show")
			require.InDelta(t, 3*8000*2, pcm.Len(), 1000, "%s", said.String())
			if name == "mp3" {
				require.Contains(t, said.String(), "StreamTitle     : Echoes 'n' more")
			}
			for _, complaint := range []string{"rror", "nvalid", "missing"} {
				require.NotContains(t, said.String(), complaint)
			}
		})
	}
}

// liveShow is a show on air: 12 s ago it began, and it goes on until ctx is done.
func liveShow(ctx context.Context, t *testing.T, stream []byte) (addr string) {
	t.Helper()
	addr, dir, _ := onSystem(t, recorder.Config{})
	source, err := net.Dial("tcp", addr)
	require.NoError(t, err)
	t.Cleanup(func() { _ = source.Close() })
	_, err = fmt.Fprint(source, "PUT /show HTTP/1.1\r\nDeadair-Session: show\r\nDeadair-Epoch: 1\r\nDeadair-Account: anna\r\n"+
		"Deadair-Title: Echoes 'n' more\r\nContent-Type: audio/mpeg\r\nIce-Name: Late Show\r\n\r\n")
	require.NoError(t, err)
	_, err = source.Read(make([]byte, 1000))
	require.NoError(t, err)
	past := len(stream) * 12 / 30
	_, err = source.Write(stream[:past])
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		size := 0
		for _, segment := range onDisk(t, dir, "show") {
			size += len(segment)
		}
		return size > past*9/10
	}, 30*time.Second, 5*time.Millisecond)
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		slice := len(stream) / 300
		for rest := stream[past:]; len(rest) > slice; rest = rest[slice:] {
			select {
			case <-ctx.Done():
				return
			case <-time.After(100 * time.Millisecond):
			}
			if _, err := source.Write(rest[:slice]); err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() { <-sent })
	return addr
}

// BenchmarkListeners measures what one listener costs: bytes of memory, and the share
// of a core at 16 kB/s. Its metrics are the point, not its time per operation.
func BenchmarkListeners(b *testing.B) {
	const listeners = 500
	addr, _, _ := onSystem(b, recorder.Config{})
	source := put(b, addr, "show", 1)
	chunk := bytes.Repeat(frame(1), 1600/frameSize) // a tenth of a second
	_, err := source.Write(chunk)
	require.NoError(b, err)
	time.Sleep(100 * time.Millisecond)
	before := memory()
	var left sync.WaitGroup
	defer left.Wait()
	for range listeners {
		conn, err := net.Dial("tcp", addr)
		require.NoError(b, err)
		defer conn.Close()
		_, err = io.WriteString(conn, "GET /show HTTP/1.0\r\nIcy-MetaData: 1\r\n\r\n")
		require.NoError(b, err)
		_, err = icecast.ReadReply(conn)
		require.NoError(b, err)
		left.Go(func() {
			for p := make([]byte, 4<<10); err == nil; {
				_, err = conn.Read(p)
			}
		})
	}
	grown := memory() - before
	used := cpu()
	start := time.Now()
	for b.Loop() {
		round := time.Now()
		if _, err := source.Write(chunk); err != nil {
			b.Fatal(err)
		}
		time.Sleep(100*time.Millisecond - time.Since(round))
	}
	b.ReportMetric(float64(grown)/listeners, "B/listener") // of both ends
	b.ReportMetric(float64(cpu()-used)/float64(time.Since(start))/listeners*1e6, "µcores/listener")
}
