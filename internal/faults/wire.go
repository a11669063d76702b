package faults

import (
	"encoding/json"
	"errors"
	"hash/fnv"
	"net"
)

// The wire as a client of any language would write it down; the server's own types are not used.

type batch struct {
	After  string  `json:"after"`
	Gap    bool    `json:"gap"`
	Events []event `json:"events"`
	Cursor string  `json:"cursor"`
}

type event struct {
	ID      string          `json:"id"`
	Type    string          `json:"type"`
	ChatID  int64           `json:"chat_id"`
	Version int64           `json:"version"`
	Data    json.RawMessage `json:"data"`
}

type message struct {
	ID       int64   `json:"id"`
	ChatID   int64   `json:"chat_id"`
	Seq      int64   `json:"seq"`
	Version  int64   `json:"version"`
	SenderID int64   `json:"sender_id"`
	Content  string  `json:"content"`
	ClientID *string `json:"client_id"`
	Deleted  bool    `json:"deleted"`
}

type messagePage struct {
	Messages []message `json:"messages"`
	HasMore  bool      `json:"has_more"`
}

type chatInfo struct {
	ID                int64  `json:"id"`
	Kind              string `json:"kind"`
	OwnerID           *int64 `json:"owner_id"`
	Version           int64  `json:"version"`
	FirstSeq          int64  `json:"first_seq"`
	LastReadMessageID *int64 `json:"last_read_message_id"`
}

type chatPage struct {
	Chats []chatInfo `json:"chats"`
	Next  *string    `json:"next"`
}

type readData struct {
	UserID        int64 `json:"user_id"`
	LastMessageID int64 `json:"last_message_id"`
}

type memberData struct {
	User struct {
		ID int64 `json:"id"`
	} `json:"user"`
}

const tombstone = "삭제된 메세지 입니다."

// sum stands for a text, as keeping all of them would take too much.
func sum(text string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(text))
	return h.Sum64()
}

func asOp(err error, op **net.OpError) bool { return errors.As(err, op) }
