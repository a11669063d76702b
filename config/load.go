package config

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"

	"github.com/agext/levenshtein"
)

// Load reads the configuration from an environment as os.Environ gives it. An empty variable is as one that is not set. The error
// has a line for each thing that is wrong.
func Load(environ []string) (Config, error) {
	given := map[string]string{}
	var wrong []error
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(name, prefix) {
			continue
		}
		if !known(name) && !kubernetes(name) {
			wrong = append(wrong, unknown(name))
		}
		given[name] = value
	}
	var c Config
	for _, v := range variables {
		value := given[v.name]
		if value == "" {
			value = v.fallback
		}
		if err := v.set(&c, value); err != nil {
			wrong = append(wrong, fmt.Errorf("%s %w", v.name, err))
		}
	}
	if wrong == nil {
		wrong = c.conflicts()
	}
	return c, errors.Join(wrong...)
}

func known(name string) bool {
	return slices.ContainsFunc(variables, func(v variable) bool { return v.name == name })
}

// kubernetes sets such variables in every pod when there is a service called doran.
func kubernetes(name string) bool {
	return name == "DORAN_PORT" || strings.HasPrefix(name, "DORAN_PORT_") || strings.HasPrefix(name, "DORAN_SERVICE_")
}

// unknown suggests the nearest name. A mistyped DORAN_DATABASE_URL that nobody hears of would put messages into a local file.
func unknown(name string) error {
	nearest := slices.MinFunc(variables, func(a, b variable) int {
		return levenshtein.Distance(name, a.name, nil) - levenshtein.Distance(name, b.name, nil)
	}).name
	if levenshtein.Distance(name, nearest, nil) > 6 {
		return fmt.Errorf("%s is not known; `doran help` lists what is", name)
	}
	return fmt.Errorf("%s is not known; did you mean %s?", name, nearest)
}

// conflicts are about variables that are right each by itself.
func (c Config) conflicts() []error {
	var wrong []error
	redis, mqtt := Embedded(c.RedisURL), Embedded(c.MQTTURL)
	if redis != "" && !loopback(redis) {
		wrong = append(wrong, errors.New("DORAN_REDIS_URL: the embedded Redis asks for no password, so it listens on a loopback address only, such as embedded://127.0.0.1:6380"))
	}
	at := map[string]string{}
	for _, l := range []struct{ name, addr string }{
		{"DORAN_HTTP_ADDR", c.HTTPAddr}, {"DORAN_ADMIN_ADDR", c.AdminAddr}, {"DORAN_REDIS_URL", redis}, {"DORAN_MQTT_URL", mqtt},
	} {
		if l.addr == "" || strings.HasSuffix(l.addr, ":0") {
			continue
		}
		if other := at[l.addr]; other != "" {
			wrong = append(wrong, fmt.Errorf("%s and %s are both %s; give one of them another port", other, l.name, l.addr))
		}
		at[l.addr] = l.name
	}
	return wrong
}

func loopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// Warnings are what is allowed and seldom meant.
func (c Config) Warnings() []string {
	var warnings []string
	if Embedded(c.RedisURL) != "" && strings.HasPrefix(c.DatabaseURL, "mysql://") {
		warnings = append(warnings, "the database is shared and Redis is embedded: run one node only, or set DORAN_REDIS_URL")
	}
	if Embedded(c.MQTTURL) != "" && strings.HasPrefix(c.DatabaseURL, "mysql://") {
		warnings = append(warnings, "the database is shared and the MQTT broker is embedded: devices hear what their own node knows; run one node only, or set DORAN_MQTT_URL")
	}
	if !c.RateLimits {
		warnings = append(warnings, "DORAN_RATE_LIMITS is off: passwords can be guessed at any speed")
	}
	return warnings
}
