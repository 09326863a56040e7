package stack

import (
	"encoding/json"
	"fmt"

	"deadair/fakes/accounts"
	"deadair/harness/scenario"
	"deadair/harness/world"
)

// accountsPart is the account service that balancers ask.
func accountsPart() part {
	return part{kind: kindAccounts, serve: accounts.Serve, hosts: single(accountsHost), node: accountsNode, asked: true}
}

func accountsNode(s *Stack, _ scenario.Datacenter, name string) (*world.Node, error) {
	data, err := json.Marshal(accounts.Config{Passwords: s.passwords(), Plans: s.plans(), Admin: adminAddr()})
	if err != nil {
		return nil, fmt.Errorf("configure %s: %w", name, err)
	}
	return &world.Node{Name: name, Kind: kindAccounts, Config: data, Ports: []int{accountsPort, adminPort}}, nil
}

// passwords are those of all broadcasters, by account.
func (s *Stack) passwords() map[string]string {
	all := map[string]string{}
	for _, b := range s.plan.Broadcasters {
		all[b.Account] = b.Password
	}
	return all
}

// plans are the plans of their accounts.
func (s *Stack) plans() map[string]string {
	all := map[string]string{}
	for _, b := range s.plan.Broadcasters {
		if b.Plan != "" {
			all[b.Account] = b.Plan
		}
	}
	return all
}
