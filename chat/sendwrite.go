package chat

import (
	"context"
	"maps"
	"slices"
	"strings"

	"doran/ent"
	"doran/ent/message"
	"doran/ent/predicate"
)

// write stores the messages, moves their senders' markers, and writes the chats and the outbox: one statement each.
func (g *sendGroup) write(ctx context.Context) error {
	if len(g.fresh) == 0 {
		return nil
	}
	if err := g.insert(ctx); err != nil {
		return err
	}
	if err := g.moveMarkers(ctx); err != nil {
		return err
	}
	return g.saveChats(ctx)
}

// insert stores the messages in one statement and reads their ids back: what LAST_INSERT_ID() says of the first does not tell the others
// where auto_increment_increment is not 1.
func (g *sendGroup) insert(ctx context.Context) error {
	rows := make([]*ent.MessageCreate, len(g.fresh))
	for k, m := range g.fresh {
		rows[k] = g.tx.Message.Create().SetChatID(m.ChatID).SetSeq(m.Seq).SetVersion(m.Version).SetSenderID(m.SenderID).SetContent(m.Content).
			SetNillableClientID(m.ClientID).SetCreatedAt(m.CreatedAt)
	}
	if len(rows) == 1 {
		row, err := rows[0].Save(ctx)
		if err == nil {
			g.fresh[0].ID = row.ID
		}
		return err
	}
	if err := g.tx.Message.CreateBulk(rows...).Exec(ctx); err != nil {
		return err
	}
	return g.readIDs(ctx)
}

// readIDs finds the stored messages: under the locks of their chats nobody else adds any.
func (g *sendGroup) readIDs(ctx context.Context) error {
	place := map[pair]*ent.Message{}
	first := map[int64]int64{} // seq, by chat
	for _, m := range g.fresh {
		place[pair{m.ChatID, m.Seq}] = m
		if first[m.ChatID] == 0 {
			first[m.ChatID] = m.Seq
		}
	}
	var where []predicate.Message
	for chatID, seq := range first {
		where = append(where, message.And(message.ChatID(chatID), message.SeqGTE(seq)))
	}
	stored, err := g.tx.Message.Query().Where(message.Or(where...)).Select(message.FieldID, message.FieldChatID, message.FieldSeq).All(ctx)
	for _, m := range stored {
		place[pair{m.ChatID, m.Seq}].ID = m.ID
	}
	return err
}

// moveMarkers moves each sender's own marker to what they sent last: the newest message of its chat, so always forward.
func (g *sendGroup) moveMarkers(ctx context.Context) error {
	markers := map[int64][]any{}
	for _, m := range g.fresh {
		markers[g.stays[pair{m.ChatID, m.SenderID}].ID] = []any{m.ID, m.Seq}
	}
	return updateEach(ctx, g.tx, "members", []string{"last_message_id", "read_seq"}, markers)
}

func (g *sendGroup) saveChats(ctx context.Context) error {
	ids := map[pair]int64{} // of the messages, by chat and version
	chats := map[int64][]any{}
	for _, m := range g.fresh {
		c := g.chats[m.ChatID]
		ids[pair{m.ChatID, m.Version}] = m.ID
		chats[c.ID] = []any{c.LastSeq, c.Version, m.ID, c.at}
	}
	if err := updateEach(ctx, g.tx, "chats", []string{"last_seq", "version", "last_message_id", "active_at"}, chats); err != nil {
		return err
	}
	var events []Event
	for _, id := range g.touched() {
		for _, e := range g.chats[id].events {
			e.MessageID = ids[pair{e.ChatID, e.Version}]
			events = append(events, e)
		}
	}
	return writeOutbox(ctx, g.tx.Client(), events)
}

// updateEach gives each row values of its own for the columns, in one statement.
func updateEach(ctx context.Context, tx *ent.Tx, table string, columns []string, rows map[int64][]any) error {
	ids := slices.Sorted(maps.Keys(rows))
	var args []any
	sets := make([]string, len(columns))
	for i, column := range columns {
		sets[i] = column + " = CASE id" + strings.Repeat(" WHEN ? THEN ?", len(ids)) + " END"
		for _, id := range ids {
			args = append(args, id, rows[id][i])
		}
	}
	for _, id := range ids {
		args = append(args, id)
	}
	_, err := tx.ExecContext(ctx, "UPDATE "+table+" SET "+strings.Join(sets, ", ")+" WHERE id IN (?"+strings.Repeat(", ?", len(ids)-1)+")", args...)
	return err
}
