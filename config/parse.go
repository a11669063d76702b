package config

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	neturl "net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A complaint is put behind the variable's name. It never repeats the value, which may hold a password.
func complain(format string, args ...any) error { return fmt.Errorf(format, args...) }

func address(field func(*Config) *string) func(*Config, string) error {
	return func(c *Config, value string) error {
		if err := checkAddress(value); err != nil {
			return err
		}
		*field(c) = value
		return nil
	}
}

func checkAddress(value string) error {
	_, port, err := net.SplitHostPort(value)
	if err != nil {
		return errors.New("is no host:port, such as 127.0.0.1:8080, or :8080 for every interface")
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return errors.New("has no port from 0 to 65535")
	}
	return nil
}

// url checks no more than the scheme and that a host or path follows: who connects knows the rest.
func url(field func(*Config) *string, schemes ...string) func(*Config, string) error {
	return func(c *Config, value string) error {
		scheme, rest, _ := strings.Cut(value, "://")
		if value != "" && (!slices.Contains(schemes, scheme) || rest == "") {
			return complain("does not begin with %s://", strings.Join(schemes, ":// or "))
		}
		if scheme == "embedded" {
			if err := checkAddress(rest); err != nil {
				return fmt.Errorf("behind embedded:// %w", err)
			}
		}
		*field(c) = value
		return nil
	}
}

func choice(set func(*Config, string), choices ...string) func(*Config, string) error {
	return func(c *Config, value string) error {
		if !slices.Contains(choices, value) {
			return complain("is none of %s", strings.Join(choices, ", "))
		}
		set(c, value)
		return nil
	}
}

func list(field func(*Config) *[]string, check func(string) error) func(*Config, string) error {
	return func(c *Config, value string) error {
		for item := range strings.SplitSeq(value, ",") {
			item = strings.TrimSpace(item)
			if item == "" {
				continue
			}
			if err := check(item); err != nil {
				return err
			}
			*field(c) = append(*field(c), item)
		}
		return nil
	}
}

// origin is what a browser sends as Origin: no path, no slash at the end.
func origin(item string) error {
	u, err := neturl.Parse(item)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.Scheme+"://"+u.Host != item {
		return complain("has %q, which is no origin such as https://chat.example", item)
	}
	return nil
}

func proxy(item string) error {
	_, err := netip.ParsePrefix(item)
	if _, addrErr := netip.ParseAddr(item); err != nil && addrErr != nil {
		return complain("has %q, which is neither an address nor a CIDR such as 10.0.0.0/8", item)
	}
	return nil
}

// subject is a contact as VAPID has it (RFC 8292, section 2.1).
func subject(c *Config, value string) error {
	mail, isMail := strings.CutPrefix(value, "mailto:")
	u, err := neturl.Parse(value)
	if value != "" && (err != nil || isMail && !strings.Contains(mail, "@") || !isMail && (u.Scheme != "https" || u.Host == "")) {
		return errors.New("is neither mailto:admin@chat.example nor https://chat.example")
	}
	c.WebPushSubject = value
	return nil
}

func duration(value string, least, most time.Duration, to *time.Duration) error {
	d, err := time.ParseDuration(value)
	if err != nil || d < least || d > most {
		return complain("is no duration from %v to %v, such as 720h", least, most)
	}
	*to = d
	return nil
}
