package faults

import (
	"database/sql"
	"fmt"
)

// storedMessage and stay are what the database has in the end.
type storedMessage struct {
	id, chatID, seq, version, senderID int64
	text                               uint64
	clientID                           sql.NullString
	deleted                            bool
}

type stay struct {
	chatID, userID, joined, left, joinedSeq int64
	read                                    int64
}

type records struct {
	messages map[int64]storedMessage
	byChat   map[int64][]storedMessage
	byKey    map[string]storedMessage // sender and client_id
	stays    map[[2]int64][]stay      // chat and user
	versions map[int64]int64
}

func (w *town) readAll() (*records, error) {
	r := &records{map[int64]storedMessage{}, map[int64][]storedMessage{}, map[string]storedMessage{}, map[[2]int64][]stay{}, map[int64]int64{}}
	err := w.each("SELECT id, chat_id, seq, version, sender_id, content, client_id, deleted FROM messages ORDER BY chat_id, seq", func(rows *sql.Rows) error {
		var m storedMessage
		var text string
		err := rows.Scan(&m.id, &m.chatID, &m.seq, &m.version, &m.senderID, &text, &m.clientID, &m.deleted)
		m.text = sum(text)
		r.messages[m.id] = m
		r.byChat[m.chatID] = append(r.byChat[m.chatID], m)
		if m.clientID.Valid {
			r.byKey[key(m.senderID, m.clientID.String)] = m
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	err = w.each("SELECT chat_id, user_id, joined_version, left_version, joined_seq, COALESCE(last_message_id, 0) FROM members ORDER BY joined_version", func(rows *sql.Rows) error {
		var s stay
		err := rows.Scan(&s.chatID, &s.userID, &s.joined, &s.left, &s.joinedSeq, &s.read)
		at := [2]int64{s.chatID, s.userID}
		r.stays[at] = append(r.stays[at], s)
		return err
	})
	if err != nil {
		return nil, err
	}
	return r, w.each("SELECT id, version FROM chats", func(rows *sql.Rows) error {
		var id, version int64
		err := rows.Scan(&id, &version)
		r.versions[id] = version
		return err
	})
}

func (w *town) each(query string, do func(*sql.Rows) error) error {
	rows, err := w.db.Query(query)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		if err := do(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

func key(sender int64, clientID string) string { return fmt.Sprint(sender, " ", clientID) }
