package house

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"doran/config"
)

const root = "../.."

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// The server in docker-compose.yml starts with the variables that stand there.
func TestComposeSetsVariablesThatExist(t *testing.T) {
	secrets := strings.NewReplacer("${MYSQL_PASSWORD:?see .env.example}", "a", "${REDIS_PASSWORD:?see .env.example}", "b", "${MQTT_PASSWORD:?see .env.example}", "c")
	defaults := regexp.MustCompile(`\$\{DORAN_[A-Z_]+:-([^}]*)\}`)
	var environ []string
	for _, m := range regexp.MustCompile(`(?m)^ +(DORAN_[A-Z_]+): (.*)$`).FindAllStringSubmatch(read(t, "docker-compose.yml"), -1) {
		environ = append(environ, m[1]+"="+defaults.ReplaceAllString(secrets.Replace(m[2]), "$1"))
	}
	for _, m := range regexp.MustCompile(`(DORAN_[A-Z_]+)=(\S+)`).FindAllStringSubmatch(read(t, "Dockerfile"), -1) {
		environ = append(environ, m[1]+"="+m[2])
	}
	if len(environ) < 5 {
		t.Fatalf("found only %q", environ)
	}
	c, err := config.Load(environ)
	if err != nil {
		t.Error(err)
	}
	if warnings := c.Warnings(); len(warnings) > 0 {
		t.Errorf("warned of: %q", warnings)
	}
}

func TestComposeHasNoSecretsAndMountsWhatIsThere(t *testing.T) {
	text := read(t, "docker-compose.yml")
	for _, m := range regexp.MustCompile(`\$\{([A-Z]+_PASSWORD)([^}]*)\}`).FindAllStringSubmatch(text, -1) {
		if !strings.HasPrefix(m[2], ":?") {
			t.Errorf("%s has a default; a secret is to be made by whoever runs it", m[1])
		}
		if !strings.Contains(read(t, ".env.example"), "\n"+m[1]+"=\n") {
			t.Errorf(".env.example lacks an empty %s", m[1])
		}
	}
	mounts := regexp.MustCompile(`- \./(\S+?):`).FindAllStringSubmatch(text, -1)
	if len(mounts) < 3 {
		t.Fatalf("found only %q", mounts)
	}
	for _, m := range mounts {
		read(t, m[1])
	}
}

func TestReadmeNamesVariablesThatExist(t *testing.T) {
	for _, m := range regexp.MustCompile(`DORAN_[A-Z_]+[A-Z]`).FindAllString(read(t, "README.md"), -1) {
		if _, err := config.Load([]string{m + "="}); err != nil {
			t.Errorf("README.md: %v", err)
		}
	}
}
