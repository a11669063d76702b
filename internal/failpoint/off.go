//go:build !failpoint

package failpoint

// Here does nothing.
func Here(Point) {}

// Defective is false.
func Defective(Defect) bool { return false }
