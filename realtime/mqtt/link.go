package mqtt

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	paho "github.com/eclipse/paho.mqtt.golang"
)

// Where the plugin takes commands and answers them. Answers go to whoever listens there: every node.
const (
	controlTopic  = "$CONTROL/dynamic-security/v1"
	responseTopic = controlTopic + "/response"
)

// link is one connection to Mosquitto.
type link struct {
	client paho.Client
	lost   chan struct{} // closed when the connection is over

	mu         sync.Mutex
	why        error
	asked      map[string]chan response // by correlation
	commanding sync.Mutex               // one batch at a time: the plugin writes its whole file for each command
}

// command is one command to the plugin, in its own words.
type command map[string]any

// response is the plugin's answer to one command.
type response struct {
	Command     string          `json:"command"`
	Error       string          `json:"error"`
	Data        json.RawMessage `json:"data"`
	Correlation string          `json:"correlationData"`
}

func newLink() *link { return &link{lost: make(chan struct{}), asked: map[string]chan response{}} }

func (l *link) lose(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.why == nil {
		l.why = fmt.Errorf("the connection to the MQTT broker was lost: %w", err)
		close(l.lost)
	}
}

func (l *link) reason() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.why
}

func (l *link) close() {
	l.lose(errors.New("closed"))
	l.client.Disconnect(0)
}

// listen subscribes to the plugin's answers.
func (l *link) listen(ctx context.Context) error {
	err := wait(ctx, l.client.Subscribe(responseTopic, 1, func(_ paho.Client, m paho.Message) { l.hear(m.Payload()) }), commandTime)
	if err != nil {
		return fmt.Errorf("listening to the dynamic security plugin, which the admin of a fresh plugin may: %w", err)
	}
	return nil
}

func (l *link) hear(payload []byte) {
	var answers struct {
		Responses []response `json:"responses"`
	}
	if json.Unmarshal(payload, &answers) != nil {
		return // not for us to judge: somebody else's command may have been nonsense
	}
	for _, r := range answers.Responses {
		l.mu.Lock()
		waiting := l.asked[r.Correlation]
		delete(l.asked, r.Correlation)
		l.mu.Unlock()
		if waiting != nil {
			waiting <- r // of size one, and asked for once
		}
	}
}

// do sends commands together and gives their answers in order. That one of them failed is in its answer.
func (l *link) do(ctx context.Context, commands ...command) ([]response, error) {
	l.commanding.Lock()
	defer l.commanding.Unlock()
	ctx, cancel := context.WithTimeout(ctx, commandTime)
	defer cancel()
	waiting := make([]chan response, len(commands))
	names := make([]string, len(commands))
	l.mu.Lock()
	for i, c := range commands {
		names[i], waiting[i] = rand.Text(), make(chan response, 1)
		c["correlationData"] = names[i]
		l.asked[names[i]] = waiting[i]
	}
	l.mu.Unlock()
	defer l.forget(names)

	payload, err := json.Marshal(map[string]any{"commands": commands})
	if err != nil {
		return nil, fmt.Errorf("encoding commands: %w", err)
	}
	if err := wait(ctx, l.client.Publish(controlTopic, 1, false, payload), commandTime); err != nil {
		return nil, fmt.Errorf("asking the dynamic security plugin: %w", err)
	}
	answers := make([]response, len(commands))
	for i := range waiting {
		select {
		case answers[i] = <-waiting[i]:
		case <-l.lost:
			return nil, l.reason()
		case <-ctx.Done():
			return nil, fmt.Errorf("the dynamic security plugin did not answer; is it loaded, and may this user command it? %w", ctx.Err())
		}
	}
	return answers, nil
}

func (l *link) forget(names []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, name := range names {
		delete(l.asked, name)
	}
}

// must sends one command, whose failure is an error, and decodes its data.
func (l *link) must(ctx context.Context, c command, data any) error {
	answers, err := l.do(ctx, c)
	if err != nil {
		return err
	}
	if r := answers[0]; r.Error != "" {
		return fmt.Errorf("the dynamic security plugin refuses %v: %s", c["command"], r.Error)
	}
	if data == nil {
		return nil
	}
	if err := json.Unmarshal(answers[0].Data, data); err != nil {
		return fmt.Errorf("the dynamic security plugin answers %v with something else: %w", c["command"], err)
	}
	return nil
}
