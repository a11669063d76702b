package chat

import (
	"crypto/ecdh"
	"crypto/sha256"
	"encoding/base64"
	"net/netip"
	"net/url"
	"strings"
)

const (
	maxFCMToken = 1024 // bytes; they have about 160, and FCM names no bound
	maxEndpoint = 1024 // bytes; the longest in use, of Windows, have about 500
)

// address is what a push service knows a device by, checked.
type address struct {
	text         string
	p256dh, auth []byte
}

// hash tells addresses apart.
func (a address) hash(kind string) []byte {
	sum := sha256.Sum256([]byte(kind + " " + a.text))
	return sum[:]
}

func (n NewDevice) check() (address, error) {
	errs := []error{CheckDeviceID(n.ID)}
	var a address
	switch n.Kind {
	case KindFCM:
		a.text = n.Token
		errs = append(errs, checkFCMToken(n.Token))
	case KindWebPush:
		var p256dhErr, authErr error
		a.text = n.Endpoint
		a.p256dh, p256dhErr = readPublicKey(n.P256dh)
		a.auth, authErr = readAuth(n.Auth)
		errs = append(errs, checkEndpoint(n.Endpoint), p256dhErr, authErr)
	default:
		errs = append(errs, Invalid("kind", "invalid", "A device is %s or %s.", KindFCM, KindWebPush))
	}
	return a, allInvalid(errs...)
}

// CheckDeviceID is the rule for the name that a client gives a device: that of a client_id, and not empty.
func CheckDeviceID(id string) error {
	if id == "" || checkClientID(id) != nil {
		return Invalid("device_id", "invalid", "The name of a device in the path has 1 to %d of the characters A-Z a-z 0-9 . _ -", maxClientID)
	}
	return nil
}

func checkFCMToken(text string) error {
	switch {
	case text == "":
		return Invalid("token", "too_short", "The registration token of FCM is empty.")
	case len(text) > maxFCMToken:
		return Invalid("token", "too_long", "The registration token of FCM has %d bytes, and at most %d are taken.", len(text), maxFCMToken)
	case strings.ContainsFunc(text, notVisibleASCII):
		return Invalid("token", "invalid", "A registration token of FCM has visible ASCII characters only.")
	}
	return nil
}

// checkEndpoint is the rule for what this server calls in a client's name: a public push service by its name, over TLS. That the
// name does not lead into a private network is looked at when it is called, as it may by then.
func checkEndpoint(text string) error {
	u, err := url.Parse(text)
	switch {
	case len(text) > maxEndpoint:
		return Invalid("endpoint", "too_long", "The endpoint has %d bytes, and at most %d are taken.", len(text), maxEndpoint)
	case err != nil || strings.ContainsFunc(text, notVisibleASCII) || u.Hostname() == "" || u.Opaque != "":
		return Invalid("endpoint", "invalid", "The endpoint is no URL such as https://push.example/a1b2.")
	case u.Scheme != "https":
		return Invalid("endpoint", "invalid", "The endpoint of a push service begins with https://.")
	case u.User != nil || strings.Contains(text, "#"):
		return Invalid("endpoint", "invalid", "The endpoint of a push service has neither a user nor a fragment.")
	case isAddress(u.Hostname()):
		return Invalid("endpoint", "invalid", "The endpoint names its host by an address; a push service has a name.")
	}
	return nil
}

func notVisibleASCII(r rune) bool { return r <= ' ' || r > '~' }

// isAddress is also for the ways to write one that resolvers know: 127.1, 2130706433, 0x7f000001.
func isAddress(host string) bool {
	_, err := netip.ParseAddr(host)
	last := host[strings.LastIndexByte(strings.TrimSuffix(host, "."), '.')+1:]
	last = strings.TrimSuffix(last, ".")
	numeric := last != "" && strings.Trim(last, "0123456789") == "" || strings.HasPrefix(strings.ToLower(last), "0x")
	return err == nil || numeric
}

// readPublicKey reads a point on P-256 as RFC 8291 has it: uncompressed, 65 bytes.
func readPublicKey(text string) ([]byte, error) {
	b, err := readBase64(text)
	if err == nil {
		_, err = ecdh.P256().NewPublicKey(b)
	}
	if err != nil {
		return nil, Invalid("keys.p256dh", "invalid", "This is no uncompressed point on P-256 in base64url, as a PushSubscription has it.")
	}
	return b, nil
}

func readAuth(text string) ([]byte, error) {
	b, err := readBase64(text)
	if err != nil || len(b) != 16 {
		return nil, Invalid("keys.auth", "invalid", "These are no 16 bytes in base64url, as a PushSubscription has them.")
	}
	return b, nil
}

// readBase64 takes both alphabets, padded or not: browsers give base64url, libraries the other too.
func readBase64(text string) ([]byte, error) {
	text = strings.NewReplacer("+", "-", "/", "_").Replace(strings.TrimRight(text, "="))
	return base64.RawURLEncoding.DecodeString(text)
}
