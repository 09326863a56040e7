package balancer_test

import (
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/balancer"
	"deadair/balancer/account"
	"deadair/balancer/icecast"
	"deadair/balancer/session"
)

func get(target, user, password string) string {
	auth := ""
	if user != "" {
		auth = basic(user, password)
	}
	return "GET " + target + " HTTP/1.0\r\n" + auth + "\r\n"
}

func TestMetadataFollowsTheShow(t *testing.T) {
	for name, c := range map[string]struct{ query, song string }{
		"song":             {"mode=updinfo&mount=/show&song=A%20%2D%20T", "A+-+T"},
		"artist and title": {"mode=updinfo&mount=%2fshow&artist=Art&title=Short", "Art+-+Short"},
		"title":            {"mount=/show&title=Short", "Short"},
		"song wins":        {"mount=/show&song=S&artist=Art&title=Short", "S"},
		"latin-1":          {"mount=/show&song=Caf%E9", "Caf%C3%A9"},
		"utf-8":            {"mount=/show&charset=UTF-8&song=Caf%C3%A9", "Caf%C3%A9"},
		"empty":            {"mount=/show", ""},
		"named latin-1":    {"mount=/show&charset=ISO-8859-1&song=Caf%C3%A9", "Caf%C3%83%C2%A9"},
		"cyrillic":         {"mount=/show&charset=windows-1251&song=%CF%E5%F1%ED%FF", "%D0%9F%D0%B5%D1%81%D0%BD%D1%8F"},
		"japanese":         {"mount=/show&charset=Shift_JIS&song=%83J", "%E3%82%AB"},
		"unknown charset":  {"mount=/show&charset=klingon&song=Caf%C3%A9", "Caf%C3%A9"},
		"other fields":     {"mount=/show&song=S&url=http%3A%2F%2Fx&artwork=x", "S"},
		"hostile":          {"mount=/show&song=a%26mount=%2fother%0d%0aX:y", "a%26mount%3D%2Fother%0D%0AX%3Ay"},
	} {
		t.Run(name, func(t *testing.T) {
			play(t, nil, func(t *testing.T, r *rig) {
				_, rec := r.live("/show")
				answer := r.ask(get("/admin/metadata?"+c.query, "anna", "secret"))
				require.Equal(t, 200, answer.code, answer.body)
				require.Contains(t, answer.body, "<return>1</return>")
				require.Equal(t, []string{"POST /metadata?mount=%2Fshow&song=" + c.song}, rec.requests())
			})
		})
	}
}

// libshout sends a form when it is told that it may.
func TestRequestsAsForms(t *testing.T) {
	form := "mode=updinfo&mount=%2fshow&charset=UTF%2d8&artist=Art&title=Short"
	head := func(length int, auth string) string {
		return fmt.Sprintf("POST /admin/metadata HTTP/1.1\r\nHost: x\r\n%sContent-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n", auth, length)
	}
	auth := basic("anna", "secret")
	play(t, nil, func(t *testing.T, r *rig) {
		_, rec := r.live("/show")
		require.Equal(t, 200, r.ask(head(len(form), auth)+form).code)
		split := r.connect(head(len(form), auth))
		time.Sleep(time.Second)
		io.WriteString(split, form[:10])
		time.Sleep(time.Second)
		io.WriteString(split, form[10:])
		split.answer()
		require.Equal(t, 200, split.code)
		title := "POST /metadata?mount=%2Fshow&song=Art+-+Short"
		require.Equal(t, []string{title, title}, rec.requests())

		require.Equal(t, 401, r.ask(head(len(form), "")+form).code)
		for _, bad := range []string{head(9000, auth), head(3, auth) + form, strings.Replace(head(1, auth), "Content-Length", "X", 1)} {
			c := r.ask(bad)
			require.Equal(t, 400, c.code)
			require.Contains(t, c.body, "the form is too long")
			require.Zero(t, c.took)
		}
		slow := r.connect(head(len(form), auth) + form[:10])
		began := time.Now()
		slow.answer()
		require.Equal(t, 400, slow.code)
		require.Equal(t, 15*time.Second, time.Since(began))
	})
}

func TestFormsOfAnswers(t *testing.T) {
	for path, c := range map[string]struct{ contentType, body string }{
		"metadata":        {"text/xml", "<?xml version=\"1.0\"?>\n<iceresponse><message>Metadata update successful</message><return>1</return></iceresponse>\n"},
		"metadata.xsl":    {"text/html; charset=utf-8", "<!DOCTYPE html>\n<title>Metadata update successful</title>\n<p>Metadata update successful</p>\n"},
		"metadata.json":   {"application/json", `{"message":"Metadata update successful","return":1}` + "\n"},
		"killsource":      {"text/xml", "<?xml version=\"1.0\"?>\n<iceresponse><message>Source Removed</message><return>1</return></iceresponse>\n"},
		"killsource.xsl":  {"text/html; charset=utf-8", "<!DOCTYPE html>\n<title>Source Removed</title>\n<p>Source Removed</p>\n"},
		"killsource.json": {"application/json", `{"message":"Source Removed","return":1}` + "\n"},
	} {
		t.Run(path, func(t *testing.T) {
			play(t, nil, func(t *testing.T, r *rig) {
				r.live("/show")
				c2 := r.connect(get("/admin/"+path+"?mode=updinfo&mount=/show&song=x", "anna", "secret"))
				head, err := icecast.ReadReply(c2.Conn)
				require.NoError(t, err)
				require.Equal(t, c.contentType, head.Header.Get("Content-Type"))
				require.Equal(t, c.body, string(head.Rest))
			})
		})
	}
}

// An operator's credentials are good for everybody's shows, and for no show of their own.
func TestOperatorMayRequestAnything(t *testing.T) {
	hash, err := account.Hash("night")
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "accounts.yaml")
	require.NoError(t, os.WriteFile(file, []byte("duty: {password: '"+hash+"', operator: true}"), 0o600))
	play(t, func(c *balancer.Config, _ *balancer.Parts) { c.AccountsFile = file }, func(t *testing.T, r *rig) {
		_, rec := r.live("/show")
		require.Equal(t, 200, r.ask(get("/admin/metadata?mount=/show&song=x", "duty", "night")).code)
		require.Equal(t, 200, r.ask(get("/admin/killsource?mount=/show", "duty", "night")).code)
		require.Len(t, rec.requests(), 2)
		require.Equal(t, 403, r.ask(put("/duty", "duty", "night")).code)
	})
}

// The index may be behind: the show has moved, or began without it. The recorders
// know.
func TestRequestsFindAShowThatMoved(t *testing.T) {
	for name, where := range map[string]string{"gone from there": "eu/recorder-1", "dead": "eu/recorder-2", "never heard of": "xx/recorder-9", "not settled": "", "not in the index": "-"} {
		t.Run(name, func(t *testing.T) {
			play(t, nil, func(t *testing.T, r *rig) {
				r.recorder("eu/recorder-1").unknown = true
				r.recorder("eu/recorder-2").stop()
				r.recorders[3].hold("/show", fakeShow{id: "s", account: "anna", live: true, epoch: 4})
				if where != "-" {
					r.store.rows["/show"] = session.Session{Mount: "/show", ID: "s", Account: "anna", Recorder: where, Epoch: 3, Until: time.Now().Add(time.Minute)}
				}
				time.Sleep(time.Second)
				c := r.ask(get("/admin/metadata?mount=/show&song=x", "anna", "secret"))
				require.Equal(t, 200, c.code, c.body)
				require.Equal(t, []string{"POST /metadata?mount=%2Fshow&song=x"}, r.recorders[3].requests())
				require.Equal(t, 403, r.ask(get("/admin/metadata?mount=/show&song=x", "bert", "geheim")).code)
				require.Equal(t, 200, r.ask(get("/admin/killsource?mount=/show", "anna", "secret")).code)
				require.Empty(t, r.store.row("/show").ID)
			})
		})
	}
}

// The recorder that takes a show over is told what it is playing, whichever balancer
// heard of it and whichever one brings the show.
func TestTitleOutlivesItsRecorder(t *testing.T) {
	title := "Ärtist - Sóng & more, with: colons\r\nX-Y: z"
	request := "/admin/metadata?mount=/show&song=" + url.QueryEscape(title)
	play(t, nil, func(t *testing.T, r *rig) {
		c, owner := r.live("/show")
		require.False(t, owner.show("/show").header.Has("Deadair-Title"))
		require.Equal(t, 200, r.ask(get(request, "anna", "secret")).code)
		require.Equal(t, title, r.store.row("/show").Title)
		owner.stop()
		require.Error(t, c.gone())
		_, heir := r.live("/show")
		require.NotEqual(t, owner, heir)
		require.Equal(t, url.PathEscape(title), heir.show("/show").header.Get("Deadair-Title"))
	})
}

// A title that comes while the show is between two recorders is not lost.
func TestTitleForADeadRecorderReachesTheNext(t *testing.T) {
	play(t, nil, func(t *testing.T, r *rig) {
		c, owner := r.live("/show")
		owner.stop()
		require.Error(t, c.gone())
		require.Equal(t, 503, r.ask(get("/admin/metadata?mount=/show&song=late", "anna", "secret")).code)
		_, heir := r.live("/show")
		require.Equal(t, "late", heir.show("/show").header.Get("Deadair-Title"))
	})
}

// Without the index the recorder that holds the show tells its title.
func TestTitleWithoutIndex(t *testing.T) {
	play(t, nil, func(t *testing.T, r *rig) {
		r.store.set(errAway, false)
		r.recorders[0].hold("/show", fakeShow{id: "s", account: "anna", until: time.Now().Add(time.Minute), epoch: 2, title: "kept"})
		r.recorders[0].set("full")
		_, heir := r.live("/show")
		require.NotEqual(t, r.recorders[0], heir)
		require.Equal(t, "kept", heir.show("/show").header.Get("Deadair-Title"))
	})
}

func TestTitlesOfOthersAreLeftAlone(t *testing.T) {
	play(t, nil, func(t *testing.T, r *rig) {
		r.live("/show")
		require.Equal(t, 403, r.ask(get("/admin/metadata?mount=/show&song=x", "bert", "geheim")).code)
		require.Empty(t, r.store.row("/show").Title)
		long := strings.Repeat("é", 2000)
		require.Equal(t, 200, r.ask(get("/admin/metadata?mount=/show&song="+long, "anna", "secret")).code)
		require.Len(t, r.store.row("/show").Title, 1024)
	})
}

// The show is on air through another balancer: only the index knows its recorder.
func TestRequestsFollowAShowOfAnotherBalancer(t *testing.T) {
	play(t, nil, func(t *testing.T, r *rig) {
		rec := r.recorders[3]
		r.store.rows["/show"] = session.Session{Mount: "/show", ID: "s", Account: "anna", Recorder: rec.name, Epoch: 3, Until: time.Now().Add(time.Minute)}
		require.Equal(t, 200, r.ask(get("/admin/metadata?mount=/show&song=x", "anna", "secret")).code)
		killed := r.ask(get("/admin/killsource?mount=/show", "anna", "secret"))
		require.Equal(t, 200, killed.code)
		require.Contains(t, killed.body, "Source Removed")
		require.Equal(t, []string{"POST /metadata?mount=%2Fshow&song=x", "POST /kill?mount=%2Fshow"}, rec.requests())
		require.Empty(t, r.store.row("/show").ID, "the show is over")
	})
}

func TestRequestsWithoutIndex(t *testing.T) {
	play(t, nil, func(t *testing.T, r *rig) {
		_, mine := r.live("/mine")
		r.recorders[3].hold("/theirs", fakeShow{id: "s", account: "anna", live: true, epoch: 2})
		r.store.set(errAway, false)
		require.Equal(t, 200, r.ask(get("/admin/metadata?mount=/mine&song=x", "anna", "secret")).code)
		require.Len(t, mine.requests(), 1, "on air here")
		require.Equal(t, 200, r.ask(get("/admin/metadata?mount=/theirs&song=x", "anna", "secret")).code)
		require.Len(t, r.recorders[3].requests(), 1, "the recorders were asked")
	})
}

func TestRequestsAreRefused(t *testing.T) {
	for name, c := range map[string]struct {
		request string
		code    int
		body    string
	}{
		"no credentials":   {get("/admin/metadata?mount=/show&song=x", "", ""), 401, "You need to authenticate"},
		"wrong password":   {get("/admin/metadata?mount=/show&song=x", "anna", "x"), 401, "You need to authenticate"},
		"no mount":         {get("/admin/metadata?song=x", "anna", "secret"), 401, "You need to authenticate"},
		"another's show":   {get("/admin/metadata?mount=/show&song=x", "bert", "geheim"), 403, "another account"},
		"another's kill":   {get("/admin/killsource?mount=/show", "bert", "geheim"), 403, "another account"},
		"no such show":     {get("/admin/metadata?mount=/none&song=x", "anna", "secret"), 400, "Source does not exist"},
		"unknown request":  {get("/admin/stats", "anna", "secret"), 400, "unknown request"},
		"unknown mode":     {get("/admin/metadata?mount=/show&mode=nonsense", "anna", "secret"), 400, "unknown request"},
		"put to the admin": {"PUT /admin/metadata HTTP/1.1\r\n\r\n", 400, "unknown request"},
	} {
		t.Run(name, func(t *testing.T) {
			play(t, nil, func(t *testing.T, r *rig) {
				_, rec := r.live("/show")
				answer := r.ask(c.request)
				require.Equal(t, c.code, answer.code)
				require.Contains(t, answer.body, c.body)
				require.Empty(t, rec.requests())
				synctest.Wait()
				require.True(t, rec.show("/show").live)
			})
		})
	}
}

func TestRequestToADeadRecorder(t *testing.T) {
	play(t, nil, func(t *testing.T, r *rig) {
		r.store.rows["/show"] = session.Session{Mount: "/show", ID: "s", Account: "anna", Recorder: "us/recorder-1", Epoch: 3, Until: time.Now().Add(time.Minute)}
		r.recorders[3].stop()
		synctest.Wait()
		answer := r.ask(get("/admin/metadata?mount=/show&song=x", "anna", "secret"))
		require.Equal(t, 503, answer.code)
		require.Contains(t, answer.body, "does not answer")
	})
}
