package hold

import (
	"context"
	"fmt"
	"net/netip"
	"path/filepath"
	"strings"

	"deadair/harness/stack"
)

// explain tells how to reach what stands. What it prints can be typed as it is.
func (h *held) explain(ctx context.Context) error {
	you := h.Plan.Broadcasters[0].Name
	var text strings.Builder
	h.explainDir(&text)
	if err := h.explainDNS(ctx, &text, you); err != nil {
		return err
	}
	text.WriteString("\nBalancers:\n")
	var first netip.AddrPort
	for _, n := range h.stack.Balancers() {
		at, err := h.World.Expose(ctx, you, n, stack.IngestPort)
		if err != nil {
			return err
		}
		if !first.IsValid() {
			first = at
		}
		fmt.Fprintf(&text, "  %-22s curl http://%s/health\n", n, at)
	}
	fmt.Fprintf(&text, "\nStream to it:\n  ffmpeg -re -f lavfi -i sine=frequency=440 -c:a libmp3lame -b:a 128k -content_type audio/mpeg -f mp3 icecast://%s:%s@%s%s\n", account, password, first, mount)
	fmt.Fprintf(&text, "  liquidsoap 'output.icecast(%%mp3(bitrate=128), user=%q, password=%q, host=%q, port=%d, mount=%q, sine())'\n", account, password, first.Addr().String(), first.Port(), mount)
	h.explainFiles(&text)
	fmt.Fprintf(&text, "\nBreak it: type a fault (%s) and its nodes, or for links both ends; \"heal\" ends all. For example:\n  kill eu-west/balancer-1\n  stall %s eu-west/balancer-*\n  delay us-east redis delay=200ms connections=new\n  heal\n", strings.Join(typeable(), " "), you)
	if h.Stands != nil {
		h.Stands(first)
	}
	_, err := h.Out.Write([]byte(text.String()))
	return err
}

func (h *held) explainDir(text *strings.Builder) {
	if h.Files.Fetch == "" {
		fmt.Fprintf(text, "The system is up. Logs and disks are in %s. Ctrl-C ends it.\n", h.Files.Dir)
		return
	}
	fmt.Fprintf(text, "The system is up. Ctrl-C ends it; its logs and disks are then in %s.\n", h.Files.Dir)
}

func (h *held) explainDNS(ctx context.Context, text *strings.Builder, you string) error {
	dns, port := h.stack.DNS()
	doors, err := h.World.Doors(ctx, you, dns, port)
	if err != nil {
		return err
	}
	name := h.Plan.System.DNS.Name
	for _, d := range doors {
		in := ""
		if d.In != "" {
			in = ", as it answers who is in " + d.In
		}
		fmt.Fprintf(text, "\nDNS%s:\n  dig @%s -p %d %s\n  dig +tcp @%s -p %d %s\n", in, d.UDP.Addr(), d.UDP.Port(), name, d.TCP.Addr(), d.TCP.Port(), name)
	}
	return nil
}

func (h *held) explainFiles(text *strings.Builder) {
	disks := filepath.Join(h.Files.Dir, "disks")
	if h.Files.Fetch != "" {
		disks = "disks"
		fmt.Fprintf(text, "The disks are in a volume of the engine's. To look at them as they are now:\n  %s\n", h.Files.Fetch)
	}
	fmt.Fprintf(text, "The recording grows below %s.\n", disks)
	fmt.Fprintf(text, "A minute after it has ended the show is published: %s tells when, its tracks are in %s, in the order of its lines.\n",
		filepath.Join(disks, "store", "journal.jsonl"), filepath.Join(disks, "store", "blobs"))
}
