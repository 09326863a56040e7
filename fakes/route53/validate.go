package route53

import (
	"errors"
	"fmt"
	"time"

	"github.com/miekg/dns"
)

func validate(cfg Config) error {
	if _, ok := dns.IsDomainName(cfg.Name); !ok || cfg.Name == "." {
		return fmt.Errorf("name %q is not a domain name", cfg.Name)
	}
	if !dns.IsSubDomain(cfg.Zone, cfg.Name) {
		return fmt.Errorf("name %q is not inside the zone %q", cfg.Name, cfg.Zone)
	}
	for what, ttl := range map[string]time.Duration{"ttl": cfg.TTL, "negative ttl": cfg.NegativeTTL} {
		if ttl < time.Second || ttl > maxTTL || ttl%time.Second != 0 {
			return fmt.Errorf("%s %v is not whole seconds between 1s and %v", what, ttl, maxTTL)
		}
	}
	if cfg.Env.Rand == nil {
		return errors.New("env is not set")
	}
	if cfg.Threshold < 1 || cfg.Threshold > 10 {
		return fmt.Errorf("threshold %d is not between 1 and 10", cfg.Threshold)
	}
	if min(cfg.Interval, cfg.ConnectTimeout, cfg.AnswerTimeout, cfg.VoteEvery) <= 0 || cfg.Propagation < 0 {
		return errors.New("a duration is negative")
	}
	if err := validateCheckers(cfg.Checkers); err != nil {
		return err
	}
	return validateRegions(cfg.Regions)
}

func validateCheckers(checkers []Checker) error {
	if len(checkers) > maxCheckers {
		return fmt.Errorf("%d checkers are more than %d", len(checkers), maxCheckers)
	}
	seen := map[string]bool{}
	for _, c := range checkers {
		if c.Name == "" || seen[c.Name] {
			return fmt.Errorf("checker %q needs a name of its own", c.Name)
		}
		seen[c.Name] = true
	}
	return nil
}

func validateRegions(regions []Region) error {
	hosts, names := map[string]bool{}, map[string]bool{}
	for _, region := range regions {
		if region.Name == "" || names[region.Name] {
			return fmt.Errorf("region %q needs a name of its own", region.Name)
		}
		names[region.Name] = true
		for _, r := range region.Records {
			if r.Host == "" || hosts[r.Host] {
				return fmt.Errorf("record %q in %s needs a host name of its own", r.Host, region.Name)
			}
			hosts[r.Host] = true
			if !r.Addr.Is4() {
				return fmt.Errorf("record %s needs an IPv4 address, not %v", r.Host, r.Addr)
			}
			if r.HealthPort < 0 || r.HealthPort > 65535 {
				return fmt.Errorf("record %s has health port %d", r.Host, r.HealthPort)
			}
		}
	}
	if len(hosts) == 0 || len(hosts) > maxRecords {
		return fmt.Errorf("%d records are not between 1 and %d", len(hosts), maxRecords)
	}
	return nil
}
