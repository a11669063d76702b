package faults

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
)

// grant is what a device is told about the broker.
type grant struct {
	URL      string `json:"url"`
	ClientID string `json:"client_id"`
	Username string `json:"username"`
	Password string `json:"password"`
	Topic    string `json:"topic"`
}

// openMQTT is what an app in the background does: a persistent session, and QoS 1. A grant is asked for when there is none that works.
func openMQTT(ctx context.Context, n *node, d *device) (*stream, error) {
	if d.grant == nil {
		a := n.ask(ctx, d.token, "POST", "/realtime/mqtt/", nil)
		if a.status != 200 {
			return nil, fmt.Errorf("a grant: %v", a)
		}
		g := decode[grant](a)
		d.grant = &g
	}
	broker, err := url.Parse(d.grant.URL)
	if err != nil {
		return nil, err
	}
	arrived := make(chan batch, 1000)
	lost := make(chan error, 1)
	o := mqtt.NewClientOptions().AddBroker("tcp://" + broker.Host).SetClientID(d.grant.ClientID).SetUsername(d.grant.Username).SetPassword(d.grant.Password).
		SetCleanSession(false).SetAutoReconnect(false).SetConnectTimeout(3 * time.Second).SetWriteTimeout(3 * time.Second)
	o.SetDefaultPublishHandler(func(_ mqtt.Client, m mqtt.Message) {
		var b batch
		if err := json.Unmarshal(m.Payload(), &b); err != nil || m.Topic() != d.grant.Topic {
			d.history.violation("leak", nil, "%s hears %q on %s: %v", d.name, m.Payload(), m.Topic(), err)
		}
		select {
		case arrived <- b:
		default: // it will see that one is missing
		}
	})
	o.SetConnectionLostHandler(func(_ mqtt.Client, err error) { lost <- err })
	c := mqtt.NewClient(o)
	if err := finished(c.Connect()); err != nil {
		d.grant = nil
		return nil, err
	}
	if err := finished(c.Subscribe(d.grant.Topic, 1, nil)); err != nil {
		c.Disconnect(0)
		return nil, err
	}
	return &stream{
		next: func(ctx context.Context) (batch, error) {
			select {
			case b := <-arrived:
				return b, nil
			case err := <-lost:
				return batch{}, err
			case <-ctx.Done():
				return batch{}, ctx.Err()
			}
		},
		close: func() { c.Disconnect(100) },
	}, nil
}

func finished(t mqtt.Token) error {
	if !t.WaitTimeout(4 * time.Second) {
		return errors.New("the broker does not answer")
	}
	return t.Error()
}
