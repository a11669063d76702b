package config

import (
	"strconv"
	"strings"
	"time"
)

// variable is one row of the table: its name, its default, what it means, and how it is read.
type variable struct {
	name, fallback, meaning string
	set                     func(c *Config, value string) error
}

// prefix begins the name of each variable.
const prefix = "DORAN_"

// variables is every variable there is.
var variables = []variable{
	{"DORAN_HTTP_ADDR", "127.0.0.1:8080", "where HTTP, WebSocket and the web client listen",
		address(func(c *Config) *string { return &c.HTTPAddr })},
	{"DORAN_ADMIN_ADDR", "127.0.0.1:8081", "where /healthz, /readyz, /metrics and pprof listen; never a public address",
		address(func(c *Config) *string { return &c.AdminAddr })},
	{"DORAN_DATABASE_URL", "sqlite://doran.db", "or mysql://user:password@host:3306/name",
		url(func(c *Config) *string { return &c.DatabaseURL }, "sqlite", "mysql")},
	{"DORAN_REDIS_URL", "embedded://127.0.0.1:6380", "or redis://host:6379, rediss://…; several hosts separated by commas are a Redis Cluster",
		url(func(c *Config) *string { return &c.RedisURL }, "embedded", "redis", "rediss")},
	{"DORAN_MQTT_URL", "embedded://127.0.0.1:1884", "or mqtt://admin:password@host:1883, mqtts://…: a Mosquitto with its dynamic security plugin",
		url(func(c *Config) *string { return &c.MQTTURL }, "embedded", "mqtt", "mqtts")},
	{"DORAN_MQTT_PUBLIC_URL", "", "what devices are told to connect to; the broker's own address when empty",
		url(func(c *Config) *string { return &c.MQTTPublicURL }, "mqtt", "mqtts")},
	{"DORAN_MQTT_PUBLIC_WS_URL", "", "the same for MQTT over WebSocket",
		url(func(c *Config) *string { return &c.MQTTPublicWSURL }, "ws", "wss")},
	{"DORAN_FCM_CREDENTIALS", "", "the key file of a Firebase service account; when empty nothing is pushed through FCM",
		func(c *Config, v string) error { c.FCMCredentials = v; return nil }},
	{"DORAN_FCM_ENDPOINT", "", "where FCM's HTTP v1 is, when it is not https://fcm.googleapis.com/v1",
		url(func(c *Config) *string { return &c.FCMEndpoint }, "https", "http")},
	{"DORAN_WEBPUSH_SUBJECT", "", "whom Web Push services may write to: mailto:admin@chat.example or https://chat.example; Apple's needs it",
		subject},
	{"DORAN_ORIGINS", "", "origins that browsers may come from besides the own host: https://chat.example,https://app.example",
		list(func(c *Config) *[]string { return &c.Origins }, origin)},
	{"DORAN_TRUSTED_PROXIES", "", "addresses and CIDRs whose X-Forwarded-For counts: 10.0.0.0/8,192.168.1.1",
		list(func(c *Config) *[]string { return &c.TrustedProxies }, proxy)},
	{"DORAN_SIGNUP", "open", "or closed: nobody signs up",
		choice(func(c *Config, v string) { c.SignUpClosed = v == "closed" }, "open", "closed")},
	{"DORAN_RATE_LIMITS", "on", "or off, for load tests",
		choice(func(c *Config, v string) { c.RateLimits = v == "on" }, "on", "off")},
	{"DORAN_LOG_LEVEL", "info", "or debug, warn, error",
		choice(func(c *Config, v string) { _ = c.LogLevel.UnmarshalText([]byte(v)) }, "debug", "info", "warn", "error")},
	{"DORAN_LOG_FORMAT", "auto", "text on a terminal and JSON elsewhere; or text, json",
		choice(func(c *Config, v string) { c.LogFormat = v }, LogAuto, LogText, LogJSON)},

	rate("DORAN_RATE_LOGIN_NAME", "10/15m", "logins to one name", func(c *Config) *Rate { return &c.Rates.LoginName }),
	rate("DORAN_RATE_LOGIN_ADDRESS", "60/15m", "logins from one address", func(c *Config) *Rate { return &c.Rates.LoginAddress }),
	rate("DORAN_RATE_SIGNUP", "20/1h", "sign-ups from one address", func(c *Config) *Rate { return &c.Rates.SignUp }),
	rate("DORAN_RATE_PASSWORD", "10/15m", "other calls of a user that ask for the password", func(c *Config) *Rate { return &c.Rates.Password }),
	rate("DORAN_RATE_SEND", "40/2s", "messages, edits and typing of a user", func(c *Config) *Rate { return &c.Rates.Send }),
	rate("DORAN_RATE_LOOKUP", "60/1m", "look-ups of a user", func(c *Config) *Rate { return &c.Rates.LookUp }),
	rate("DORAN_RATE_OPEN", "60/1m", "chats that a user opens, and people they add", func(c *Config) *Rate { return &c.Rates.Open }),
	rate("DORAN_RATE_USER", "200/4s", "all requests of a user", func(c *Config) *Rate { return &c.Rates.User }),
	rate("DORAN_RATE_ADDRESS", "1000/5s", "all requests from one address", func(c *Config) *Rate { return &c.Rates.Address }),

	number("DORAN_LIMIT_CONTENT", 4000, 1, 16000, "characters of a message", func(c *Config) *int { return &c.Limits.Content }),
	number("DORAN_LIMIT_TITLE", 100, 1, 100, "characters of a chat's title", func(c *Config) *int { return &c.Limits.Title }),
	number("DORAN_LIMIT_FRIENDS", 5000, 1, 5000, "friends of a user", func(c *Config) *int { return &c.Limits.Friends }),
	number("DORAN_LIMIT_BLOCKS", 1000, 1, 1000, "blocks of a user", func(c *Config) *int { return &c.Limits.Blocks }),
	number("DORAN_LIMIT_MEMBERS", 1000, 2, 1000, "members of a chat", func(c *Config) *int { return &c.Limits.Members }),
	number("DORAN_LIMIT_CHATS", 5000, 1, 5000, "chats of a user", func(c *Config) *int { return &c.Limits.Chats }),
	number("DORAN_LIMIT_TOKENS", 20, 1, 1000, "devices that a user is signed in on; the oldest is signed out", func(c *Config) *int { return &c.Limits.Tokens }),
	number("DORAN_LIMIT_DEVICES", 20, 1, 1000, "devices of a user that are woken up by push", func(c *Config) *int { return &c.Limits.Devices }),
	{"DORAN_LIMIT_TOKEN_LIFETIME", "2160h", "after a token's last use", func(c *Config, v string) error {
		return duration(v, time.Hour, 10*365*24*time.Hour, &c.Limits.TokenLifetime)
	}},
}

func number(name string, fallback, least, most int, meaning string, field func(*Config) *int) variable {
	return variable{name, strconv.Itoa(fallback), meaning, func(c *Config, value string) error {
		n, err := strconv.Atoi(value)
		if err != nil || n < least || n > most {
			return complain("is no number from %d to %d", least, most)
		}
		*field(c) = n
		return nil
	}}
}

func rate(name, fallback, meaning string, field func(*Config) *Rate) variable {
	return variable{name, fallback, meaning, func(c *Config, value string) error {
		count, per, _ := strings.Cut(value, "/")
		n, err := strconv.Atoi(count)
		d, durationErr := time.ParseDuration(per)
		if err != nil || durationErr != nil || n < 1 || d <= 0 {
			return complain("is no rate such as 10/15m")
		}
		*field(c) = Rate{n, d}
		return nil
	}}
}
