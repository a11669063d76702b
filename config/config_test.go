package config

import (
	"bytes"
	"log/slog"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestDefaults(t *testing.T) {
	got, err := Load([]string{"HOME=/root", "DORAN_SIGNUP="})
	if err != nil {
		t.Fatal(err)
	}
	want := Config{
		HTTPAddr: "127.0.0.1:8080", AdminAddr: "127.0.0.1:8081",
		DatabaseURL: "sqlite://doran.db", RedisURL: "embedded://127.0.0.1:6380", MQTTURL: "embedded://127.0.0.1:1884",
		RateLimits: true, LogLevel: slog.LevelInfo, LogFormat: LogAuto,
		Rates: Rates{
			LoginName: Rate{10, 15 * time.Minute}, LoginAddress: Rate{60, 15 * time.Minute}, SignUp: Rate{20, time.Hour},
			Password: Rate{10, 15 * time.Minute}, Send: Rate{40, 2 * time.Second}, LookUp: Rate{60, time.Minute}, Open: Rate{60, time.Minute},
			User: Rate{200, 4 * time.Second}, Address: Rate{1000, 5 * time.Second},
		},
		Limits: Limits{Content: 4000, Title: 100, Friends: 5000, Blocks: 1000, Members: 1000, Chats: 5000, Tokens: 20, Devices: 20, TokenLifetime: 90 * 24 * time.Hour},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("\n got %+v\nwant %+v", got, want)
	}
	if warnings := got.Warnings(); len(warnings) > 0 {
		t.Errorf("the defaults are warned of: %v", warnings)
	}
}

func TestEveryVariableIsRead(t *testing.T) {
	got, err := Load([]string{
		"DORAN_HTTP_ADDR=:80", "DORAN_ADMIN_ADDR=[::1]:81", "DORAN_DATABASE_URL=mysql://u:p@h/d", "DORAN_REDIS_URL=rediss://a:1,b:2",
		"DORAN_MQTT_URL=mqtts://admin:p@h:8883", "DORAN_MQTT_PUBLIC_URL=mqtts://m.example", "DORAN_MQTT_PUBLIC_WS_URL=wss://m.example/mqtt",
		"DORAN_ORIGINS=https://a.example, http://b.example:8080", "DORAN_TRUSTED_PROXIES=10.0.0.0/8,::1", "DORAN_SIGNUP=closed",
		"DORAN_RATE_LIMITS=off", "DORAN_RATE_LOGIN_NAME=1/1s", "DORAN_RATE_LOGIN_ADDRESS=2/2s", "DORAN_RATE_SIGNUP=3/3s", "DORAN_RATE_PASSWORD=4/4s",
		"DORAN_RATE_SEND=5/5s", "DORAN_RATE_LOOKUP=6/6s", "DORAN_RATE_OPEN=7/7s", "DORAN_RATE_USER=8/8s", "DORAN_RATE_ADDRESS=9/1.5s", "DORAN_LOG_LEVEL=debug", "DORAN_LOG_FORMAT=json", "DORAN_LIMIT_CONTENT=1", "DORAN_LIMIT_TITLE=2",
		"DORAN_LIMIT_FRIENDS=3", "DORAN_LIMIT_BLOCKS=4", "DORAN_LIMIT_MEMBERS=5", "DORAN_LIMIT_CHATS=6", "DORAN_LIMIT_TOKENS=7", "DORAN_LIMIT_DEVICES=9",
		"DORAN_FCM_CREDENTIALS=/fcm.json", "DORAN_FCM_ENDPOINT=http://f/v1", "DORAN_WEBPUSH_SUBJECT=mailto:a@b.example",
		"DORAN_LIMIT_TOKEN_LIFETIME=8h",
	})
	if err != nil {
		t.Fatal(err)
	}
	want := Config{":80", "[::1]:81", "mysql://u:p@h/d", "rediss://a:1,b:2", "mqtts://admin:p@h:8883", "mqtts://m.example", "wss://m.example/mqtt",
		"/fcm.json", "http://f/v1", "mailto:a@b.example",
		[]string{"https://a.example", "http://b.example:8080"}, []string{"10.0.0.0/8", "::1"}, true, false,
		Rates{Rate{1, 1e9}, Rate{2, 2e9}, Rate{3, 3e9}, Rate{4, 4e9}, Rate{5, 5e9}, Rate{6, 6e9}, Rate{7, 7e9}, Rate{8, 8e9}, Rate{9, 1.5e9}}, Limits{1, 2, 3, 4, 5, 6, 7, 9, 8 * time.Hour},
		slog.LevelDebug, LogJSON}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("\n got %+v\nwant %+v", got, want)
	}
}

func TestWhatIsWrongIsSaid(t *testing.T) {
	for variable, want := range map[string]string{
		"DORAN_DATABSE_URL=mysql://u:secret@h/d":                "DORAN_DATABSE_URL is not known; did you mean DORAN_DATABASE_URL?",
		"DORAN_WHATEVER_THIS_WAS=1":                             "DORAN_WHATEVER_THIS_WAS is not known; `doran help` lists what is",
		"DORAN_HTTP_ADDR=8080":                                  "DORAN_HTTP_ADDR is no host:port",
		"DORAN_HTTP_ADDR=:99999":                                "DORAN_HTTP_ADDR has no port",
		"DORAN_DATABASE_URL=postgres://u:secret@h/d":            "DORAN_DATABASE_URL does not begin with sqlite:// or mysql://",
		"DORAN_DATABASE_URL=mysql://":                           "DORAN_DATABASE_URL does not begin with",
		"DORAN_REDIS_URL=localhost:6379":                        "DORAN_REDIS_URL does not begin with embedded:// or redis:// or rediss://",
		"DORAN_REDIS_URL=embedded://6380":                       "DORAN_REDIS_URL behind embedded:// is no host:port",
		"DORAN_REDIS_URL=embedded://0.0.0.0:6380":               "the embedded Redis asks for no password",
		"DORAN_MQTT_URL=tcp://h:1883":                           "DORAN_MQTT_URL does not begin with embedded://",
		"DORAN_ORIGINS=https://a.example/":                      `DORAN_ORIGINS has "https://a.example/"`,
		"DORAN_ORIGINS=*":                                       `DORAN_ORIGINS has "*"`,
		"DORAN_TRUSTED_PROXIES=10.0.0.0/33":                     `DORAN_TRUSTED_PROXIES has "10.0.0.0/33"`,
		"DORAN_WEBPUSH_SUBJECT=admin@chat.example":              "DORAN_WEBPUSH_SUBJECT is neither mailto:",
		"DORAN_WEBPUSH_SUBJECT=mailto:admin":                    "DORAN_WEBPUSH_SUBJECT is neither mailto:",
		"DORAN_FCM_ENDPOINT=fcm.googleapis.com":                 "DORAN_FCM_ENDPOINT does not begin with https://",
		"DORAN_SIGNUP=no":                                       "DORAN_SIGNUP is none of open, closed",
		"DORAN_RATE_LIMITS=0":                                   "DORAN_RATE_LIMITS is none of on, off",
		"DORAN_LOG_LEVEL=loud":                                  "DORAN_LOG_LEVEL is none of debug, info, warn, error",
		"DORAN_LIMIT_TITLE=101":                                 "DORAN_LIMIT_TITLE is no number from 1 to 100",
		"DORAN_LIMIT_TOKENS=many":                               "DORAN_LIMIT_TOKENS is no number",
		"DORAN_RATE_SEND=20":                                    "DORAN_RATE_SEND is no rate such as 10/15m",
		"DORAN_RATE_SEND=0/1s":                                  "DORAN_RATE_SEND is no rate such as 10/15m",
		"DORAN_LIMIT_TOKEN_LIFETIME=90d":                        "DORAN_LIMIT_TOKEN_LIFETIME is no duration from",
		"DORAN_ADMIN_ADDR=127.0.0.1:8080":                       "DORAN_HTTP_ADDR and DORAN_ADMIN_ADDR are both 127.0.0.1:8080",
		"DORAN_MQTT_URL=embedded://127.0.0.1:6380":              "DORAN_REDIS_URL and DORAN_MQTT_URL are both 127.0.0.1:6380",
		"DORAN_MQTT_PUBLIC_URL=https://user:secret@example.com": "DORAN_MQTT_PUBLIC_URL does not begin with mqtt:// or mqtts://",
	} {
		_, err := Load([]string{variable})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", variable, err, want)
		} else if strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: the complaint shows the secret: %v", variable, err)
		}
	}
}

func TestEverythingThatIsWrongIsSaidAtOnce(t *testing.T) {
	_, err := Load([]string{"DORAN_SIGNUP=no", "DORAN_HTTP_ADDR=x", "DORAN_NOPE=1"})
	if lines := strings.Count(err.Error(), "\n") + 1; lines != 3 {
		t.Errorf("%d lines: %v", lines, err)
	}
}

func TestKubernetesMayAddVariables(t *testing.T) {
	if _, err := Load([]string{"DORAN_SERVICE_HOST=10.0.0.1", "DORAN_PORT=tcp://10.0.0.1:80", "DORAN_PORT_80_TCP_ADDR=10.0.0.1"}); err != nil {
		t.Error(err)
	}
}

func TestWarnings(t *testing.T) {
	c, err := Load([]string{"DORAN_DATABASE_URL=mysql://u:p@h/d", "DORAN_RATE_LIMITS=off"})
	if err != nil {
		t.Fatal(err)
	}
	if warnings := c.Warnings(); len(warnings) != 3 {
		t.Errorf("%q", warnings)
	}
}

func TestRedacted(t *testing.T) {
	for url, want := range map[string]string{
		"sqlite://doran.db":                  "sqlite://doran.db",
		"mysql://doran:secret@db:3306/doran": "mysql://doran:***@db:3306/doran",
		"mysql://doran:se/c@r:et@db/doran":   "mysql://doran:***@db/doran",
		"redis://:secret@a:1,b:2":            "redis://:***@a:1,b:2",
		"redis://secret@a:1":                 "redis://***@a:1",
		"embedded://127.0.0.1:1884":          "embedded://127.0.0.1:1884",
	} {
		if got := Redacted(url); got != want {
			t.Errorf("%s: %s, want %s", url, got, want)
		}
	}
}

func TestDescribeNamesEveryVariable(t *testing.T) {
	var text bytes.Buffer
	Describe(&text)
	for _, v := range variables {
		if !strings.Contains(text.String(), v.name+" ") {
			t.Errorf("%s is not described", v.name)
		}
	}
}
