package main

import (
	"fmt"
	"io"
	"net"
	"strings"

	"doran/config"
)

// welcome is the first screen of a server that somebody tries, and a line in the log of one that runs somewhere.
func (n *node) welcome(w io.Writer, public, private net.Addr) {
	url, adminURL := browse(public), browse(private)
	if config.Embedded(n.config.RedisURL) == "" {
		n.log.Info("serving", "version", versionName(), "http", url, "admin", adminURL, "database", config.Redacted(n.config.DatabaseURL),
			"redis", config.Redacted(n.config.RedisURL), "mqtt", config.Redacted(n.config.MQTTURL))
		return
	}
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(n.redisURL, "redis://"))
	_, _ = fmt.Fprintf(w, `
  Doran 도란도란 %s

  HTTP      %s
  Admin     %s/readyz
  Database  %s
  Redis     %s (embedded)
  MQTT      %s

  An account, and its inbox, which fills once somebody chats:

  curl %s/accounts/signup/ --json '{"username":"mina","password":"dorandoran"}'
  redis-cli -p %s XRANGE 'inbox:{1}' - +

`, versionName(), url, adminURL, config.Redacted(n.config.DatabaseURL), n.redisURL, n.mqtt.URL, url, port)
}

// browse is the address as one types it in on this machine.
func browse(addr net.Addr) string { return "http://" + here(addr.String()) }
