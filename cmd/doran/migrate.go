package main

import (
	"context"
	"fmt"

	"doran/config"
	"doran/internal/database"
)

func migrate(ctx context.Context, env environment) error {
	c, err := config.Load(env.environ)
	if err != nil {
		return err
	}
	db, err := database.Open(ctx, c.DatabaseURL)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	version, err := db.Migrate(ctx)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(env.stdout, "%s is at version %d\n", config.Redacted(c.DatabaseURL), version)
	return err
}
