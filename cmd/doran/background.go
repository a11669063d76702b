package main

import (
	"context"
	"net"
	"net/url"

	"doran/chat"
	"doran/config"
	"doran/realtime/mqtt"
)

// outlets tells each of several what happened.
type outlets []chat.Outlet

func (o outlets) Announce(n chat.News) {
	for _, one := range o {
		one.Announce(n)
	}
}

// wake is for whoever reads inboxes: connections and background delivery.
func (n *node) wake(users []int64) {
	n.realtime.Wake(users)
	n.mqtt.Wake(users)
}

// foregroundEnded is for who delivers in the background from then on.
func (n *node) foregroundEnded(users []int64) {
	n.mqtt.Wake(users)
	n.push.Ended(users)
}

func (n *node) tellPresence(ctx context.Context, user int64, online bool) error {
	return n.service.TellPresence(ctx, user, online)
}

// openBroker starts the embedded broker, or begins to connect to Mosquitto, which may come later.
func (n *node) openBroker() error {
	if addr := config.Embedded(n.config.MQTTURL); addr != "" {
		broker, err := mqtt.OpenEmbedded(mqtt.EmbeddedConfig{Addr: addr, Grants: n.service.GrantsOfClients, Events: n.mqtt.Events(), Log: n.log})
		if err != nil {
			return explainTaken(err, addr, "DORAN_MQTT_URL")
		}
		n.broker = broker
		n.mqtt.URL, n.mqtt.WSURL = "mqtt://"+here(broker.Addr()), "ws://"+here(broker.Addr())+"/mqtt"
	} else {
		broker, err := mqtt.OpenMosquitto(mqtt.MosquittoConfig{URL: n.config.MQTTURL, Events: n.mqtt.Events(), Log: n.log})
		if err != nil {
			return err
		}
		n.broker = broker
		n.mqtt.URL = withoutUser(n.config.MQTTURL)
	}
	n.closers = append(n.closers, n.broker.Close)
	if n.config.MQTTPublicURL != "" {
		n.mqtt.URL = n.config.MQTTPublicURL
	}
	if n.config.MQTTPublicWSURL != "" {
		n.mqtt.WSURL = n.config.MQTTPublicWSURL
	}
	return nil
}

// withoutUser is the broker's address as devices may know it.
func withoutUser(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	host := u.Host
	if u.Port() == "" {
		host = net.JoinHostPort(u.Hostname(), map[string]string{"mqtt": "1883", "mqtts": "8883"}[u.Scheme])
	}
	return u.Scheme + "://" + host
}
