package main

import (
	"errors"
	"fmt"
	"net"
	"syscall"
)

// listen takes an address before anything else is started. variable is what to set when somebody else has it.
func listen(addr, variable string) (net.Listener, error) {
	l, err := net.Listen("tcp", addr)
	return l, explainTaken(err, addr, variable)
}

func explainTaken(err error, addr, variable string) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("%s is taken by another program: end it, or set %s to another address", addr, variable)
	default:
		return fmt.Errorf("cannot listen on %s; look at %s: %w", addr, variable, err)
	}
}
