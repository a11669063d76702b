package mqtt

import (
	"testing"

	"doran/internal/testenv"
)

func TestMain(m *testing.M) { testenv.Main(m) }
