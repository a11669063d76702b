// Package config is how a server is told what to do: the variables DORAN_…, read once at the start.
package config

import (
	"log/slog"
	"strings"
	"time"
)

// Config is the whole configuration; each package is given its part.
type Config struct {
	HTTPAddr  string
	AdminAddr string

	DatabaseURL string // sqlite://… or mysql://…
	RedisURL    string // embedded://…, redis://… or rediss://…
	MQTTURL     string // embedded://…, mqtt://… or mqtts://…

	MQTTPublicURL   string // what grants tell devices; "" is the broker's own
	MQTTPublicWSURL string

	FCMCredentials string // a file; "" is none
	FCMEndpoint    string // "" is Google's
	WebPushSubject string // mailto:… or https://…

	Origins        []string // scheme://host[:port]
	TrustedProxies []string // addresses and CIDRs
	SignUpClosed   bool
	RateLimits     bool
	Rates          Rates
	Limits         Limits

	LogLevel  slog.Level
	LogFormat string // LogAuto, LogText or LogJSON
}

// The formats of the log.
const (
	LogAuto = "auto" // text on a terminal, JSON elsewhere
	LogText = "text"
	LogJSON = "json"
)

// Rate allows Count requests in each Per.
type Rate struct {
	Count int
	Per   time.Duration
}

// Rates bound how often one may ask; they count when RateLimits is on.
type Rates struct {
	LoginName    Rate // logging in, by the name
	LoginAddress Rate // logging in, by the address it comes from
	SignUp       Rate // by address
	Password     Rate // by user: what asks for the password again
	Send         Rate // by user
	LookUp       Rate // by user
	Open         Rate // by user
	User         Rate // all requests of a user
	Address      Rate // all requests of an address
}

// Limits bound what one user can make others carry.
type Limits struct {
	Content       int // characters of a message
	Title         int // characters of a chat's title
	Friends       int
	Blocks        int
	Members       int // of a chat
	Chats         int // in which a user is
	Tokens        int // of a user; the oldest ends
	Devices       int // of a user, woken up by push
	TokenLifetime time.Duration
}

// Embedded is the address at which a part runs inside this process, and "" when it runs elsewhere.
func Embedded(url string) string {
	addr, ok := strings.CutPrefix(url, "embedded://")
	if !ok {
		return ""
	}
	return addr
}
