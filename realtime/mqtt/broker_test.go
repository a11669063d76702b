package mqtt

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"doran/chat"
	"doran/internal/testenv"

	paho "github.com/eclipse/paho.mqtt.golang"
)

func TestADeviceHearsWhatIsPublishedToIt(t *testing.T) {
	t.Parallel()
	brokers(t, func(t *testing.T, w *world, open func(Events) *site) {
		b := open(Events{})
		mina := w.admit(b, w.session())
		for name, url := range map[string]string{"MQTT": "tcp://" + b.addr, "WebSocket": b.ws} {
			options := mina.options(b.addr)
			options.Servers = nil
			ph, err := dial(options.AddBroker(url))
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if err := ph.subscribe(deviceOf(mina.Grant).Topic()); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			for i := range 100 {
				send(t, b, deviceOf(mina.Grant), fmt.Sprint(name, i))
			}
			for i := range 100 {
				if got := ph.next(t); got != fmt.Sprint(name, i) {
					t.Fatalf("heard %q as number %d by %s", got, i, name)
				}
			}
			ph.Disconnect(100)
		}
	})
}

// Whoever tries something that is not theirs to do neither hears anybody, nor is heard, nor disturbs anybody.
func TestDevicesAreKeptApart(t *testing.T) {
	t.Parallel()
	brokers(t, func(t *testing.T, w *world, open func(Events) *site) {
		b := open(Events{})
		victim, mallory := w.admit(b, w.session()), w.admit(b, w.session())
		to := deviceOf(victim.Grant)
		ear := victim.listen(t, b.addr)

		t.Run("subscribing", func(t *testing.T) {
			ph := mallory.listen(t, b.addr)
			for _, filter := range []string{"#", "+/+/+", "inbox/#", "inbox/+/+", to.Topic(), to.Topic() + "/#", "+/" + to.Topic()[len("inbox/"):],
				"$SYS/#", "$SYS/broker/uptime", "$share/g/" + to.Topic(), "$share/g/#", "$share/g/inbox/+/+", "$CONTROL/#", responseTopic, checkTopic,
				"/" + to.Topic(), to.Topic() + "/", deviceOf(mallory.Grant).Topic() + "/#", fmt.Sprintf("inbox/%d/+", mallory.UserID)} {
				if err := ph.subscribe(filter); err == nil {
					t.Errorf("%q was granted", filter)
				}
				if !ph.IsConnected() {
					ph = mallory.listen(t, b.addr)
				}
				send(t, b, to, "secret")
				if got := ear.next(t); got != "secret" {
					t.Errorf("the victim heard %q", got)
				}
			}
			send(t, b, deviceOf(mallory.Grant), "own")
			if got := ph.next(t); got != "own" {
				t.Errorf("mallory heard %q", got)
			}
			ph.Disconnect(0)
		})
		t.Run("publishing", func(t *testing.T) {
			for _, topic := range []string{to.Topic(), deviceOf(mallory.Grant).Topic(), "inbox", "$CONTROL/dynamic-security/v1", "$SYS/broker/uptime", "a"} {
				for _, retained := range []bool{false, true} {
					for qos := range byte(2) {
						ph, err := dial(mallory.options(b.addr))
						if err != nil {
							t.Fatal(err)
						}
						ph.Publish(topic, qos, retained, `{"commands":[{"command":"deleteClient","username":"`+victim.ClientID+`"}]}`).WaitTimeout(200e6)
						ph.Disconnect(10)
					}
				}
			}
			if err := ear.subscribe(to.Topic()); err != nil { // which would bring what is retained
				t.Fatal(err)
			}
			send(t, b, to, "after")
			if got := ear.next(t); got != "after" {
				t.Errorf("the victim heard %q", got)
			}
		})
		t.Run("will", func(t *testing.T) {
			for _, retained := range []bool{false, true} {
				ph, err := dial(mallory.options(b.addr).SetWill(to.Topic(), "boo", 1, retained))
				_, isEmbedded := b.Broker.(*restartable)
				if err == nil && isEmbedded {
					t.Errorf("a Will was accepted")
				}
				if err == nil { // Mosquitto takes it, and asks who may publish only when it would be sent
					if _, err := dial(mallory.options(b.addr)); err != nil { // taken over: the connection ends without a DISCONNECT
						t.Fatal(err)
					}
					ph.cut(t)
				}
			}
			send(t, b, to, "no will")
			if got := ear.next(t); got != "no will" {
				t.Errorf("the victim heard %q", got)
			}
		})
		t.Run("connecting", func(t *testing.T) {
			for name, change := range map[string]func(*paho.ClientOptions){
				"the victim's client id":           func(o *paho.ClientOptions) { o.SetClientID(victim.ClientID) },
				"the victim's client id, clean":    func(o *paho.ClientOptions) { o.SetClientID(victim.ClientID).SetCleanSession(true) },
				"another client id":                func(o *paho.ClientOptions) { o.SetClientID("other") },
				"no client id":                     func(o *paho.ClientOptions) { o.SetClientID("").SetCleanSession(true) },
				"the victim's name":                func(o *paho.ClientOptions) { o.SetUsername(victim.ClientID) },
				"the victim's name and client id":  func(o *paho.ClientOptions) { o.SetUsername(victim.ClientID).SetClientID(victim.ClientID) },
				"no password":                      func(o *paho.ClientOptions) { o.SetPassword("") },
				"no name and no password":          func(o *paho.ClientOptions) { o.SetUsername("").SetPassword("") },
				"nobody, with the victim's client": func(o *paho.ClientOptions) { o.SetUsername("").SetPassword("").SetClientID(victim.ClientID) },
				"a wrong password":                 func(o *paho.ClientOptions) { o.SetPassword(mallory.password + "x") },
				"a name that is a wildcard":        func(o *paho.ClientOptions) { o.SetUsername("#").SetClientID("#") },
			} {
				options := mallory.options(b.addr)
				change(options)
				if ph, err := dial(options); err == nil {
					t.Errorf("%s was let in", name)
					ph.Disconnect(0)
				}
			}
			if !ear.IsConnected() {
				t.Error("the victim was cut")
			}
			send(t, b, to, "still here")
			if got := ear.next(t); got != "still here" {
				t.Errorf("the victim heard %q", got)
			}
		})
	})
}

// What is queued for a device that is away stays for it, whatever others try with its client id meanwhile.
func TestAQueueIsNotTakenOver(t *testing.T) {
	t.Parallel()
	brokers(t, func(t *testing.T, w *world, open func(Events) *site) {
		b := open(Events{})
		victim, mallory := w.admit(b, w.session()), w.admit(b, w.session())
		victim.listen(t, b.addr).Disconnect(100)
		sent := make(chan struct{})
		go func() {
			defer close(sent)
			for i := range 20 {
				send(t, b, deviceOf(victim.Grant), fmt.Sprint(i))
			}
		}()
		for _, name := range []string{mallory.ClientID, victim.ClientID, ""} {
			options := mallory.options(b.addr).SetClientID(victim.ClientID).SetUsername(name).SetCleanSession(true)
			if _, err := dial(options); err == nil {
				t.Fatal("mallory was let in")
			}
		}
		back := victim.listen(t, b.addr)
		for i := range 20 {
			if got := back.next(t); got != fmt.Sprint(i) {
				t.Fatalf("heard %q as number %d", got, i)
			}
		}
		<-sent
	})
}

func TestANewPasswordEndsTheOldOne(t *testing.T) {
	t.Parallel()
	brokers(t, func(t *testing.T, w *world, open func(Events) *site) {
		b := open(Events{})
		who := w.session()
		first := w.admit(b, who)
		ph := first.listen(t, b.addr)
		second := w.admit(b, who)
		if second.ClientID != first.ClientID || second.ID != first.ID || second.password == first.password {
			t.Fatalf("%+v and then %+v", first, second)
		}
		ph.cut(t)
		if _, err := dial(first.options(b.addr)); err == nil {
			t.Error("the old password lets in")
		}
		send := func() error { return b.Publish(context.Background(), deviceOf(second.Grant), []byte("x")) }
		ear := second.listen(t, b.addr)
		eventually(t, "taken", send)
		if got := ear.next(t); got != "x" {
			t.Errorf("heard %q", got)
		}
	})
}

func TestAGrantThatEndsIsCut(t *testing.T) {
	t.Parallel()
	brokers(t, func(t *testing.T, w *world, open func(Events) *site) {
		b := open(Events{})
		who, other := w.session(), w.session()
		gone, stays := w.admit(b, who), w.admit(b, other)
		ph, bystander := gone.listen(t, b.addr), stays.listen(t, b.addr)
		if err := w.service.EndToken(t.Context(), who, who.TokenID); err != nil {
			t.Fatal(err)
		}
		for range 2 { // again is no error
			if err := b.Expel(t.Context(), []chat.Grant{gone.Grant}); err != nil {
				t.Fatal(err)
			}
		}
		ph.cut(t)
		if _, err := dial(gone.options(b.addr)); err == nil {
			t.Error("an ended grant lets in")
		}
		send(t, b, deviceOf(stays.Grant), "here")
		if got := bystander.next(t); got != "here" {
			t.Errorf("the bystander heard %q", got)
		}
		ids, err := b.Clients(t.Context())
		if err != nil || len(ids) != 1 || ids[0] != stays.ClientID {
			t.Errorf("the broker knows %v, %v", ids, err)
		}
	})
}

func TestABrokerThatIsAwaySaysSoAndComesBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	back := make(chan struct{}, 10)
	server := testenv.Mosquitto(t)
	b := w.mosquitto(server, Events{Back: func() { back <- struct{}{} }})
	mina := w.admit(b, w.session())
	b.kill()
	eventually(t, "noticed", func() error {
		if b.Status() == nil {
			return errors.New("still up")
		}
		return nil
	})
	unavailable := &chat.Error{Code: chat.CodeUnavailable}
	for name, err := range map[string]error{
		"Publish": b.Publish(t.Context(), deviceOf(mina.Grant), []byte("x")),
		"Admit":   b.Admit(t.Context(), mina.Grant, "p"),
		"Expel":   b.Expel(t.Context(), []chat.Grant{mina.Grant}),
	} {
		if !errors.Is(err, unavailable) {
			t.Errorf("%s: %v", name, err)
		}
	}
	b.restart()
	<-back
	ear := mina.listen(t, b.addr)
	send(t, b, deviceOf(mina.Grant), "again")
	if got := ear.next(t); got != "again" {
		t.Errorf("heard %q", got)
	}
}
