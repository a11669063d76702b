package mqtt

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"doran/chat"

	paho "github.com/eclipse/paho.mqtt.golang"
)

// The plugin's data: one client and one role of the same name for each grant, as its topic is its own, and Mosquitto 2.0 has no
// patterns in roles. No groups: what a group could share, the topic, is what devices must not. One role more, for the nodes.
const (
	serverRole = "doran-server"
	checkTopic = "inbox/check" // no device's: those have numbers
)

// acl is one line of a role, in the plugin's words.
type acl struct {
	Type  string `json:"acltype"`
	Topic string `json:"topic,omitempty"`
	Allow bool   `json:"allow"`
}

// What a node may: command the plugin, publish to devices, and hear what it needs to check that.
var serverACLs = []acl{
	{"publishClientSend", controlTopic, true},
	{"publishClientReceive", controlTopic + "/#", true},
	{"subscribeLiteral", responseTopic, true},
	{"publishClientSend", "inbox/#", true},
	{"publishClientReceive", checkTopic, true},
	{"subscribeLiteral", checkTopic, true},
}

// What everybody may who has no role for it: nothing. publishClientReceive is allowed in a fresh plugin, and then whoever may
// subscribe to a wildcard hears everybody.
var defaultACLs = []acl{
	{Type: "publishClientSend"},
	{Type: "publishClientReceive"},
	{Type: "subscribe"},
	{Type: "unsubscribe", Allow: true},
}

// prepare sets what keeps devices apart, reads it back, and tries it.
func (l *link) prepare(ctx context.Context, user string) error {
	if err := l.listen(ctx); err != nil {
		return err
	}
	if err := l.setServerRole(ctx, user); err != nil {
		return err
	}
	if err := l.setDefaults(ctx); err != nil {
		return err
	}
	return l.check(ctx)
}

// setDefaults sets what is not as it should be, and believes only what it reads: mosquitto_ctrl 2.0.11 reports a success that
// changes nothing.
func (l *link) setDefaults(ctx context.Context) error {
	for _, set := range []bool{true, false} {
		var got struct {
			ACLs []acl `json:"acls"`
		}
		if err := l.must(ctx, command{"command": "getDefaultACLAccess"}, &got); err != nil {
			return err
		}
		if !slices.ContainsFunc(defaultACLs, func(want acl) bool { return !slices.Contains(got.ACLs, want) }) {
			return nil
		}
		if set {
			if err := l.must(ctx, command{"command": "setDefaultACLAccess", "acls": defaultACLs}, nil); err != nil {
				return err
			}
		}
	}
	return errors.New("the MQTT broker does not keep devices apart: setDefaultACLAccess changes nothing")
}

// setServerRole makes the role of the nodes, before the defaults take away what it gives.
func (l *link) setServerRole(ctx context.Context, user string) error {
	var role struct {
		Role struct {
			ACLs []acl `json:"acls"`
		} `json:"role"`
	}
	if err := l.must(ctx, command{"command": "getRole", "rolename": serverRole}, &role); err != nil {
		if err := l.ensure(ctx, "already exists", command{"command": "createRole", "rolename": serverRole, "acls": serverACLs}); err != nil {
			return err
		}
	} else {
		for _, want := range serverACLs {
			if slices.Contains(role.Role.ACLs, want) {
				continue
			}
			add := command{"command": "addRoleACL", "rolename": serverRole, "acltype": want.Type, "topic": want.Topic, "allow": want.Allow}
			if err := l.ensure(ctx, "already exists", add); err != nil {
				return err
			}
		}
	}
	var client struct {
		Client struct {
			Roles []struct {
				Name string `json:"rolename"`
			} `json:"roles"`
		} `json:"client"`
	}
	if err := l.must(ctx, command{"command": "getClient", "username": user}, &client); err != nil {
		return err
	}
	for _, r := range client.Client.Roles {
		if r.Name == serverRole {
			return nil
		}
	}
	return l.must(ctx, command{"command": "addClientRole", "username": user, "rolename": serverRole}, nil)
}

// check publishes and hears it: with MQTT 3.1.1 a broker confirms also what it throws away because nobody may publish it.
func (l *link) check(ctx context.Context) error {
	word := rand.Text()
	heard := make(chan struct{}, 1)
	token := l.client.Subscribe(checkTopic, 1, func(_ paho.Client, m paho.Message) {
		if string(m.Payload()) == word {
			select {
			case heard <- struct{}{}:
			default:
			}
		}
	})
	if err := wait(ctx, token, commandTime); err != nil {
		return fmt.Errorf("subscribing to %s on the MQTT broker: %w", checkTopic, err)
	}
	if err := wait(ctx, l.client.Publish(checkTopic, 1, false, word), commandTime); err != nil {
		return fmt.Errorf("publishing to %s on the MQTT broker: %w", checkTopic, err)
	}
	select {
	case <-heard:
	case <-l.lost:
		return l.reason()
	case <-time.After(commandTime):
		return errors.New("the MQTT broker takes what is published and delivers nothing: which role forbids its user to publish to inbox/#?")
	}
	return wait(ctx, l.client.Unsubscribe(checkTopic), commandTime)
}

// ensure sends commands; one that fails with these words has nothing to do any more.
func (l *link) ensure(ctx context.Context, done string, commands ...command) error {
	answers, err := l.do(ctx, commands...)
	if err != nil {
		return err
	}
	for i, r := range answers {
		if r.Error != "" && !strings.Contains(r.Error, done) {
			return fmt.Errorf("the dynamic security plugin refuses %v: %s", commands[i]["command"], r.Error)
		}
	}
	return nil
}

// admit makes client and role, or sets the password of the client that is there, by which the plugin cuts its connection.
func (l *link) admit(ctx context.Context, g chat.Grant, password string) error {
	topic := deviceOf(g).Topic()
	role := command{"command": "createRole", "rolename": g.ClientID,
		"acls": []acl{{"subscribeLiteral", topic, true}, {"publishClientReceive", topic, true}}}
	client := command{"command": "createClient", "username": g.ClientID, "password": password, "clientid": g.ClientID,
		"roles": []map[string]any{{"rolename": g.ClientID}}}
	answers, err := l.do(ctx, command{"command": "setClientPassword", "username": g.ClientID, "password": password})
	if err != nil || answers[0].Error == "" {
		return err
	}
	return l.ensure(ctx, "Role already exists", role, client)
}

// expel cuts first, and then clears away.
func (l *link) expel(ctx context.Context, ids []string) error {
	var commands []command
	for _, id := range ids {
		commands = append(commands, command{"command": "deleteClient", "username": id})
	}
	for _, id := range ids {
		commands = append(commands, command{"command": "deleteRole", "rolename": id})
	}
	return l.ensure(ctx, "not found", commands...)
}

const clientsPage = 1000

// clients are the names of the plugin's clients that are grants.
func (l *link) clients(ctx context.Context) ([]string, error) {
	var ids []string
	for offset := 0; ; {
		var page struct {
			Total   int      `json:"totalCount"`
			Clients []string `json:"clients"`
		}
		if err := l.must(ctx, command{"command": "listClients", "count": clientsPage, "offset": offset}, &page); err != nil {
			return nil, err
		}
		for _, id := range page.Clients {
			if strings.HasPrefix(id, chat.GrantPrefix) {
				ids = append(ids, id)
			}
		}
		offset += len(page.Clients)
		if len(page.Clients) == 0 || offset >= page.Total {
			return ids, nil
		}
	}
}
