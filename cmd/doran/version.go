package main

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
)

// release is set when a release is built: -ldflags "-X main.release=v1.2.3".
var release string

// versionName is the release, or the commit that the binary was built from.
func versionName() string {
	if release != "" {
		return release
	}
	commit, modified := "", ""
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			switch {
			case s.Key == "vcs.revision":
				commit = s.Value[:min(len(s.Value), 12)]
			case s.Key == "vcs.modified" && s.Value == "true":
				modified = "+changes"
			}
		}
	}
	if commit == "" {
		return "development"
	}
	return commit + modified
}

func version(_ context.Context, env environment) error {
	_, err := fmt.Fprintf(env.stdout, "doran %s (%s %s/%s)\n", versionName(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}
