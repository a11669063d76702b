package push

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// fcmService stands in for FCM's HTTP v1 and Google's token server. It speaks the protocols as they are documented, and fails the test at what
// they forbid: https://firebase.google.com/docs/reference/fcm/rest/v1/projects.messages, RFC 7523.
type fcmService struct {
	*httptest.Server
	replies
	t           *testing.T
	credentials string // the service account's key file
	tokens      replies
}

var serviceKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

func newFCMService(t *testing.T) *fcmService {
	f := &fcmService{t: t}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /token", f.token)
	mux.HandleFunc("POST /v1/projects/doran-test/messages:send", f.send)
	f.Server = httptest.NewServer(mux)
	t.Cleanup(f.Close)
	der, err := x509.MarshalPKCS8PrivateKey(serviceKey())
	if err != nil {
		t.Fatal(err)
	}
	f.credentials = f.file(map[string]string{
		"type": "service_account", "project_id": "doran-test", "private_key_id": "k1", "client_email": "doran@doran-test.iam.gserviceaccount.com",
		"private_key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), "token_uri": f.URL + "/token",
	})
	return f
}

func (f *fcmService) file(content any) string {
	data, err := json.Marshal(content)
	if err != nil {
		f.t.Fatal(err)
	}
	name := filepath.Join(f.t.TempDir(), "account.json")
	if err := os.WriteFile(name, data, 0o600); err != nil {
		f.t.Fatal(err)
	}
	return name
}

const accessToken = "ya29.an-access-token"

// token is RFC 7523, section 2.1, as Google documents it for service accounts.
func (f *fcmService) token(w http.ResponseWriter, r *http.Request) {
	f.tokens.add("token")
	if next := f.tokens.take("token"); next.status != 0 {
		w.WriteHeader(next.status)
		_, _ = io.WriteString(w, next.body)
		return
	}
	if got := r.FormValue("grant_type"); got != "urn:ietf:params:oauth:grant-type:jwt-bearer" {
		f.t.Errorf("grant_type is %q", got)
	}
	var claims struct {
		Iss, Aud, Scope string
		Exp             int64
	}
	signed, signature := openJWT(f.t, r.FormValue("assertion"), "RS256", &claims)
	sum := sha256.Sum256(signed)
	if err := rsa.VerifyPKCS1v15(&serviceKey().PublicKey, crypto.SHA256, sum[:], signature); err != nil {
		f.t.Errorf("the assertion: %v", err)
	}
	if claims.Iss != "doran@doran-test.iam.gserviceaccount.com" || claims.Aud != f.URL+"/token" || claims.Scope != fcmScope || time.Until(time.Unix(claims.Exp, 0)) > time.Hour {
		f.t.Errorf("the assertion claims %+v", claims)
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = fmt.Fprintf(w, `{"access_token":%q,"expires_in":3599,"token_type":"Bearer"}`, accessToken)
}

func openJWT(t *testing.T, text, alg string, claims any) (signed, signature []byte) {
	t.Helper()
	parts := strings.Split(text, ".")
	if len(parts) != 3 {
		t.Fatalf("%q is no JWT", text)
	}
	var decoded [3][]byte
	for i, part := range parts {
		var err error
		if decoded[i], err = base64.RawURLEncoding.DecodeString(part); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
	var header struct{ Alg string }
	if err := json.Unmarshal(decoded[0], &header); err != nil || header.Alg != alg {
		t.Errorf("the header of a JWT is %s", decoded[0])
	}
	if err := json.Unmarshal(decoded[1], claims); err != nil {
		t.Errorf("the claims of a JWT are %s", decoded[1])
	}
	return []byte(parts[0] + "." + parts[1]), decoded[2]
}

func (f *fcmService) send(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	if got := r.Header.Get("Authorization"); got != "Bearer "+accessToken {
		f.t.Errorf("Authorization is %q", got)
	}
	if bytes.Contains(body, []byte("secret")) || bytes.Contains(body, []byte("notification")) {
		f.t.Errorf("a push has content: %s", body)
	}
	var request struct {
		Message struct {
			Token   string
			Data    map[string]string
			Android struct {
				CollapseKey string `json:"collapse_key"`
				Priority    string
				TTL         string
			}
		}
	}
	if err := json.Unmarshal(body, &request); err != nil {
		f.t.Errorf("%s: %v", body, err)
	}
	m := request.Message
	if m.Token == "" || fmt.Sprint(m.Data) != "map[type:sync]" || m.Android.CollapseKey == "" || m.Android.Priority != "high" || m.Android.TTL != "2419200s" {
		f.t.Errorf("the message is %s", body)
	}
	f.add(m.Token)
	answerWith(w, r, f.take(m.Token), http.StatusOK, `{"name":"projects/doran-test/messages/0:1500415314455276%31bd1c9631bd1c96"}`)
}

func answerWith(w http.ResponseWriter, r *http.Request, next reply, status int, body string) {
	if next.hang {
		<-r.Context().Done()
		return
	}
	if next.after != "" {
		w.Header().Set("Retry-After", next.after)
	}
	if next.status != 0 {
		status, body = next.status, next.body
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}

// fcmError is an error as FCM answers it.
func fcmError(status int, word, code, text string) reply {
	return reply{status: status, body: fmt.Sprintf(`{"error":{"code":%d,"message":%q,"status":%q,"details":[{"@type":"type.googleapis.com/google.firebase.fcm.v1.FcmError","errorCode":%q}]}}`, status, text, word, code)}
}

func readAll(r io.Reader) string {
	b, _ := io.ReadAll(r)
	return string(b)
}
