package main

import (
	"doran/chat"
	"doran/config"
	"doran/handlers"
)

// domainLimits are the configured ones; what cannot be configured stays as it is.
func domainLimits(l config.Limits) chat.Limits {
	limits := chat.DefaultLimits()
	limits.Content, limits.Title, limits.Friends, limits.Blocks = l.Content, l.Title, l.Friends, l.Blocks
	limits.Members, limits.Chats, limits.Tokens, limits.TokenLifetime = l.Members, l.Chats, l.Tokens, l.TokenLifetime
	limits.Devices = l.Devices
	return limits
}

// rateLimits are counted by each node, and those for guessing in Redis too.
func (n *node) rateLimits() handlers.Limits {
	if !n.config.RateLimits {
		return handlers.Limits{}
	}
	limits := requestLimits(n.config.Rates)
	limits.Redis = n.inbox.Client
	return limits
}

func requestLimits(r config.Rates) handlers.Limits {
	return handlers.Limits{
		LoginName:    handlers.Rate(r.LoginName),
		LoginAddress: handlers.Rate(r.LoginAddress),
		SignUp:       handlers.Rate(r.SignUp),
		Password:     handlers.Rate(r.Password),
		Send:         handlers.Rate(r.Send),
		LookUp:       handlers.Rate(r.LookUp),
		Open:         handlers.Rate(r.Open),
		User:         handlers.Rate(r.User),
		Address:      handlers.Rate(r.Address),
	}
}
