package account_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"deadair/balancer/account"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func hash(t *testing.T, password string) string {
	text, err := account.Hash(password)
	require.NoError(t, err)
	return text
}

func list(t *testing.T, accounts map[string]account.Account) *account.List {
	l, err := account.NewList(accounts)
	require.NoError(t, err)
	return l
}

func TestListProvesCredentials(t *testing.T) {
	l := list(t, map[string]account.Account{
		"anna": {Password: "secret"},
		"bert": {Password: hash(t, "geheim"), Mounts: []string{"/bert", "/news/*"}},
		"duty": {Password: hash(t, "night"), Operator: true},
	})
	require.Equal(t, 3, l.Len())
	for name, c := range map[string]struct {
		r    account.Request
		want account.Grant
		err  error
	}{
		"plain":              {account.Request{User: "anna", Password: "secret", Mount: "/any"}, account.Grant{Account: "anna"}, nil},
		"plain, wrong":       {account.Request{User: "anna", Password: "geheim", Mount: "/any"}, account.Grant{}, account.ErrWrong},
		"plain, empty":       {account.Request{User: "anna", Mount: "/any"}, account.Grant{}, account.ErrWrong},
		"nobody":             {account.Request{User: "carl", Mount: "/any"}, account.Grant{}, account.ErrWrong},
		"no user":            {account.Request{Password: "secret"}, account.Grant{}, account.ErrWrong},
		"hashed":             {account.Request{User: "bert", Password: "geheim", Mount: "/bert"}, account.Grant{Account: "bert"}, nil},
		"hashed, wrong":      {account.Request{User: "bert", Password: "secret", Mount: "/bert"}, account.Grant{}, account.ErrWrong},
		"below":              {account.Request{User: "bert", Password: "geheim", Mount: "/news/9"}, account.Grant{Account: "bert"}, nil},
		"not below":          {account.Request{User: "bert", Password: "geheim", Mount: "/newsroom"}, account.Grant{}, account.ErrMount},
		"another's":          {account.Request{User: "bert", Password: "geheim", Mount: "/anna"}, account.Grant{}, account.ErrMount},
		"another's, wrong":   {account.Request{User: "bert", Password: "x", Mount: "/anna"}, account.Grant{}, account.ErrWrong},
		"operator's request": {account.Request{User: "duty", Password: "night", Mount: "/any", Admin: true}, account.Grant{Account: "duty", Operator: true}, nil},
		"operator on air":    {account.Request{User: "duty", Password: "night", Mount: "/any"}, account.Grant{}, account.ErrMount},
	} {
		for range 2 { // the second time it is remembered
			got, err := l.Check(t.Context(), c.r)
			require.ErrorIs(t, err, c.err, name)
			require.Equal(t, c.want, got, name)
		}
	}
}

func TestListNamesMountsOfStreams(t *testing.T) {
	l := list(t, map[string]account.Account{"anna": {Password: "x", Mounts: []string{"/one", "/all/*", "/two"}}, "bert": {Password: "x"}})
	require.Equal(t, "/one", l.Mount("anna", 1))
	require.Equal(t, "/two", l.Mount("anna", 2))
	require.Empty(t, l.Mount("anna", 3))
	require.Empty(t, l.Mount("bert", 1))
	require.Empty(t, l.Mount("carl", 1))
}

// Remembering is what keeps a herd that comes back from costing a core: a password
// that was right costs no slot, and one that was wrong neither.
func TestPasswordsThatAreKnownWaitForNoSlot(t *testing.T) {
	slow := strings.Replace(hash(t, "right"), "$4096$", "$1048576$", 1) // half a second, and never right
	synctest.Test(t, func(t *testing.T) {
		l := list(t, map[string]account.Account{"anna": {Password: hash(t, "secret")}, "slow": {Password: slow}})
		right := account.Request{User: "anna", Password: "secret", Mount: "/m"}
		_, err := l.Check(t.Context(), right)
		require.NoError(t, err)
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		_, err = l.Check(gone, right)
		require.NoError(t, err, "no slot is asked for")
		guess := account.Request{User: "slow", Password: "guess"}
		_, err = l.Check(t.Context(), guess)
		require.ErrorIs(t, err, account.ErrWrong)
		_, err = l.Check(gone, guess)
		require.ErrorIs(t, err, account.ErrWrong, "no slot is asked for")
	})
}

func TestHashesOfOtherTools(t *testing.T) {
	// passlib.hash.pbkdf2_sha256 writes "." for "+" and no padding.
	const theirs = "$pbkdf2-sha256$1000$KrIE12zc7EYJ0pBEH.0u7A$H47GCQybPjLQnqj0QfacWL6rI3.GQhjHPr1KjZB6BxM"
	l := list(t, map[string]account.Account{"anna": {Password: theirs}})
	_, err := l.Check(t.Context(), account.Request{User: "anna", Password: "password", Mount: "/m"})
	require.NoError(t, err)
	require.NotEqual(t, hash(t, "a"), hash(t, "a"), "salted")
}

func TestReadFile(t *testing.T) {
	good := hash(t, "secret")
	for name, c := range map[string]struct{ text, says string }{
		"good":           {"anna: {password: '" + good + "', mounts: [/anna, /news/*], operator: true}", ""},
		"empty":          {"", "there are no accounts in it"},
		"plain password": {"anna: {password: secret}", "anna: password must be hashed"},
		"unknown field":  {"anna: {password: '" + good + "', mount: /anna}", "unknown field"},
		"no iterations":  {"anna: {password: '$pbkdf2-sha256$0$c2FsdA$" + strings.Repeat("A", 43) + "'}", "must be hashed"},
		"too many":       {"anna: {password: '$pbkdf2-sha256$99999999$c2FsdA$" + strings.Repeat("A", 43) + "'}", "must be hashed"},
		"short key":      {"anna: {password: '$pbkdf2-sha256$1$c2FsdA$AAAA'}", "must be hashed"},
		"other scheme":   {"anna: {password: '$2b$12$abc'}", "must be hashed"},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "accounts.yaml")
			require.NoError(t, os.WriteFile(file, []byte(c.text), 0o600))
			accounts, err := account.ReadFile(file)
			if c.says != "" {
				require.ErrorContains(t, err, c.says)
				return
			}
			require.NoError(t, err)
			require.Equal(t, map[string]account.Account{"anna": {Password: good, Mounts: []string{"/anna", "/news/*"}, Operator: true}}, accounts)
			_, err = account.NewList(accounts)
			require.NoError(t, err)
		})
	}
	_, err := account.ReadFile(filepath.Join(t.TempDir(), "none"))
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestListThatMakesNoSense(t *testing.T) {
	for says, accounts := range map[string]map[string]account.Account{
		`account "anna": mount invalid`: {"anna": {Password: "x", Mounts: []string{"anna"}}},
		`account "bert": mount invalid`: {"bert": {Password: "x", Mounts: []string{"/../*"}}},
		`account "": give it a name`:    {"": {Password: "x"}},
		`account "carl": password must`: {"carl": {Password: "$pbkdf2-sha256$x"}},
	} {
		_, err := account.NewList(accounts)
		require.ErrorContains(t, err, says)
	}
}

func TestListRecallsNothing(t *testing.T) {
	l, err := account.NewList(map[string]account.Account{"anna": {Password: "secret"}})
	require.NoError(t, err)
	_, err = l.Recall(t.Context(), account.Request{User: "anna", Password: "secret"}, "")
	require.ErrorIs(t, err, account.ErrUnavailable)
}

func FuzzHash(f *testing.F) {
	f.Add("$pbkdf2-sha256$1$c2FsdA$AAAAAAAAAAAAAAAAAAAAAA")
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Count(text, "$") == 4 && len(strings.Split(text, "$")[2]) > 3 {
			return // it would only take long
		}
		l, err := account.NewList(map[string]account.Account{"a": {Password: text}})
		if err != nil {
			return
		}
		_, err = l.Check(t.Context(), account.Request{User: "a", Password: "guess", Mount: "/m"})
		if text != "guess" && err != nil {
			require.ErrorIs(t, err, account.ErrWrong)
		}
	})
}
