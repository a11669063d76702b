package push

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"doran/chat"
)

// webService stands in for a Web Push service and the browsers behind it: RFC 8030, 8291 and 8292. It fails the test at what they forbid.
type webService struct {
	*httptest.Server
	replies
	t *testing.T

	mu        sync.Mutex
	browsers  map[string]browser
	publicKey string // that every push was signed with
}

// browser has the keys of one subscription.
type browser struct {
	key  *ecdh.PrivateKey
	auth []byte
}

func newWebService(t *testing.T) *webService {
	s := &webService{t: t, browsers: map[string]browser{}}
	s.Server = httptest.NewTLSServer(http.HandlerFunc(s.push))
	t.Cleanup(s.Close)
	return s
}

// serviceHost is a name that the test server has a certificate for.
const serviceHost = "example.com"

// client is the one that strangers' endpoints are called with, but finds this service under its name.
func (s *webService) client() *http.Client {
	c := outside(func(string) error { return nil })
	transport := c.Transport.(*http.Transport)
	dial := transport.DialContext
	transport.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return dial(ctx, network, s.Listener.Addr().String())
	}
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	transport.TLSClientConfig = &tls.Config{RootCAs: roots}
	s.t.Cleanup(transport.CloseIdleConnections)
	return c
}

func (s *webService) subscribe(id string) chat.NewDevice {
	key, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		s.t.Fatal(err)
	}
	b := browser{key, make([]byte, 16)}
	_, _ = rand.Read(b.auth)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.browsers[id] = b
	text := base64.RawURLEncoding
	return chat.NewDevice{ID: id, Kind: chat.KindWebPush, Endpoint: "https://" + serviceHost + "/" + id, P256dh: text.EncodeToString(key.PublicKey().Bytes()), Auth: text.EncodeToString(b.auth)}
}

func (s *webService) push(w http.ResponseWriter, r *http.Request) {
	id := strings.TrimPrefix(r.URL.Path, "/")
	s.mu.Lock()
	b, known := s.browsers[id]
	s.mu.Unlock()
	if r.Method != http.MethodPost || !known {
		s.t.Errorf("%s %s was asked for", r.Method, r.URL)
		return
	}
	for name, want := range map[string]string{"Content-Encoding": "aes128gcm", "TTL": "2419200", "Urgency": "high", "Topic": "sync"} {
		if got := r.Header.Get(name); got != want {
			s.t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	s.checkVAPID(r.Header.Get("Authorization"))
	body, _ := io.ReadAll(r.Body)
	if text, err := b.decrypt(body); err != nil || string(text) != `{"type":"sync"}` {
		s.t.Errorf("the push reads %q, %v", text, err)
	}
	s.add(id)
	answerWith(w, r, s.take(id), http.StatusCreated, "")
}

// checkVAPID is RFC 8292, section 2 and 3.
func (s *webService) checkVAPID(header string) {
	t, k, ok := strings.Cut(strings.TrimPrefix(header, "vapid t="), ", k=")
	if !ok {
		s.t.Errorf("Authorization is %q", header)
		return
	}
	var claims struct {
		Aud, Sub string
		Exp      int64
	}
	signed, signature := openJWT(s.t, t, "ES256", &claims)
	point, err := base64.RawURLEncoding.DecodeString(k)
	if err != nil || len(point) != 65 || len(signature) != 64 {
		s.t.Errorf("the key is %q, the signature has %d bytes", k, len(signature))
		return
	}
	key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
	if err != nil {
		s.t.Error(err)
		return
	}
	sum := sha256.Sum256(signed)
	if !ecdsa.Verify(key, sum[:], new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])) {
		s.t.Error("the signature is not of the key")
	}
	if life := time.Until(time.Unix(claims.Exp, 0)); claims.Aud != "https://"+serviceHost || claims.Sub != "mailto:admin@chat.example" || life <= 0 || life > 24*time.Hour {
		s.t.Errorf("the token claims %+v", claims)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.publicKey == "" {
		s.publicKey = k
	}
	if k != s.publicKey {
		s.t.Error("the server signs with another key than before")
	}
}

// decrypt is RFC 8291, section 3.4, over RFC 8188.
func (b browser) decrypt(body []byte) ([]byte, error) {
	if len(body) < 86 || len(body) > 4096 || body[20] != 65 {
		return nil, errors.New("no header of aes128gcm")
	}
	salt, size, from := body[:16], binary.BigEndian.Uint32(body[16:20]), body[21:86]
	peer, err := ecdh.P256().NewPublicKey(from)
	if err != nil {
		return nil, err
	}
	shared, err := b.key.ECDH(peer)
	if err != nil {
		return nil, err
	}
	secret, err := hkdf.Key(sha256.New, shared, b.auth, "WebPush: info\x00"+string(b.key.PublicKey().Bytes())+string(from), 32)
	if err != nil {
		return nil, err
	}
	key, err := hkdf.Key(sha256.New, secret, salt, "Content-Encoding: aes128gcm\x00", 16)
	if err != nil {
		return nil, err
	}
	nonce, err := hkdf.Key(sha256.New, secret, salt, "Content-Encoding: nonce\x00", 12)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	text, err := gcm.Open(nil, nonce, body[86:], nil)
	if err != nil || len(body)-86 > int(size) {
		return nil, errors.Join(err, errors.New("one record was expected"))
	}
	end := strings.TrimRight(string(text), "\x00")
	if !strings.HasSuffix(end, "\x02") {
		return nil, errors.New("the last record does not end with 2")
	}
	return []byte(strings.TrimSuffix(end, "\x02")), nil
}

// The stand-in reads what RFC 8291 gives as an example, in appendix A.
func TestTheStandInDecryptsByTheRFC(t *testing.T) {
	t.Parallel()
	text := base64.RawURLEncoding
	private, _ := text.DecodeString("q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94")
	auth, _ := text.DecodeString("BTBZMqHH6r4Tts7J_aSIgg")
	body, _ := text.DecodeString("DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN")
	key, err := ecdh.P256().NewPrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := (browser{key, auth}).decrypt(body); err != nil || string(got) != "When I grow up, I want to be a watermelon" {
		t.Errorf("%q, %v", got, err)
	}
}
