package inbox

import (
	"fmt"
	"slices"
	"testing"
)

func TestMastersOfAnEpoch(t *testing.T) {
	const never = "0000000000000000000000000000000000000000" // of a master that was never promoted
	for _, c := range []struct {
		known      []string
		id, before string
		want       []string
	}{
		{nil, "r1/a", never, []string{"r1/a"}},
		{[]string{"r1/a"}, "r2/b", never, []string{"r1/a", "r2/b"}},
		{[]string{"r1/a", "r2/b"}, "r3/c", "a", []string{"r2/b", "r3/c"}},
		{[]string{"r1/a", "r2/b"}, "r3/c", "", []string{"r1/a", "r2/b", "r3/c"}},
	} {
		if got := succeed(c.known, c.id, c.before); !slices.Equal(got, c.want) {
			t.Errorf("%s, which was %q, makes of %v %v, want %v", c.id, c.before, c.known, got, c.want)
		}
	}
	var many []string
	for i := range 3 * epochMasters {
		many = succeed(many, fmt.Sprintf("r%d/x%d", i, i), never)
	}
	if len(many) != epochMasters {
		t.Errorf("%d masters are kept, want %d", len(many), epochMasters)
	}
}
