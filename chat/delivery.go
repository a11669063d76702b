package chat

import (
	"context"
	"slices"

	"doran/ent"
	entchat "doran/ent/chat"
	"doran/ent/member"
	"doran/ent/message"
	"doran/ent/outbox"
)

// What delivery needs of the domain. Nothing here asks who may: the callers are the nodes themselves.

// inList bounds how many values stand in one IN (…).
const inList = 1000

// Stay is one stay of a user in a chat: the events with Joined <= version <= Left concern them (no upper bound while Left is 0), and of
// the messages those with seq > JoinedSeq.
type Stay struct {
	ChatID, UserID int64
	Joined, Left   int64
	JoinedSeq      int64
	Direct         bool // the chat is a direct one; Stays says it, LastStays does not
}

var stayColumns = []string{member.FieldChatID, member.FieldUserID, member.FieldJoinedVersion, member.FieldLeftVersion, member.FieldJoinedSeq}

func stayOf(m *ent.Member) Stay {
	return Stay{ChatID: m.ChatID, UserID: m.UserID, Joined: m.JoinedVersion, Left: m.LeftVersion, JoinedSeq: m.JoinedSeq}
}

// Outbox are the events of these chats that are not yet known to be in every inbox, by chat, version and id, at most limit.
func (s *Service) Outbox(ctx context.Context, chatIDs []int64, limit int) ([]Event, error) {
	rows, err := s.Client.Outbox.Query().Where(outbox.ChatIDIn(chatIDs...)).
		Order(outbox.ByChatID(), outbox.ByVersion(), outbox.ByID()).Limit(limit).All(ctx)
	if err != nil {
		return nil, s.dbErr(err)
	}
	events := make([]Event, len(rows))
	for i, r := range rows {
		events[i] = Event{ID: r.ID, ChatID: r.ChatID, Version: r.Version, Type: EventType(r.Type), MessageID: r.MessageID, Seq: r.Seq,
			UserID: r.UserID, ByID: r.ActorID, OnlyID: r.OnlyID, At: At(r.At)}
	}
	return events, nil
}

// OverdueChats are chats with events that were committed before the time and still stand in the outbox, at most limit.
func (s *Service) OverdueChats(ctx context.Context, before Time, limit int) ([]int64, error) {
	var ids []int64
	err := s.Client.Outbox.Query().Where(outbox.AtLT(before.Time)).Limit(limit).Unique(true).Select(outbox.FieldChatID).Scan(ctx, &ids)
	return ids, s.dbErr(err)
}

// Outstanding says whether the event of this version still stands in the outbox, read on the primary.
func (s *Service) Outstanding(ctx context.Context, chatID, version int64) (bool, error) {
	found, err := s.Client.Outbox.Query().Where(outbox.ChatID(chatID), outbox.Version(version), outbox.TypeNEQ(string(MessageRead))).Exist(ctx)
	return found, s.dbErr(err)
}

// Delivered takes events out of the outbox, unless another epoch has begun since: then they stay. The epoch is locked until the commit,
// or one could begin, and inboxes be born that wait for these events, while they are on their way out.
func (s *Service) Delivered(ctx context.Context, number int64, eventIDs []int64) error {
	for ids := range slices.Chunk(eventIDs, inList) {
		err := s.tx(ctx, func(tx *ent.Tx) error {
			stands, err := s.lockEpoch(ctx, tx, number)
			if !stands || err != nil {
				return err
			}
			_, err = tx.Outbox.Delete().Where(outbox.IDIn(ids...)).Exec(ctx)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// Stays are all stays in these chats, ended ones included, by chat, user and Joined.
func (s *Service) Stays(ctx context.Context, chatIDs []int64) ([]Stay, error) {
	direct, err := s.Client.Chat.Query().Where(entchat.IDIn(chatIDs...), entchat.Kind(KindDirect)).IDs(ctx)
	if err != nil {
		return nil, s.dbErr(err)
	}
	rows, err := s.Client.Member.Query().Where(member.ChatIDIn(chatIDs...)).
		Order(member.ByChatID(), member.ByUserID(), member.ByJoinedVersion()).Select(stayColumns...).All(ctx)
	if err != nil {
		return nil, s.dbErr(err)
	}
	stays := make([]Stay, len(rows))
	for i, r := range rows {
		stays[i] = stayOf(r)
		stays[i].Direct = slices.Contains(direct, r.ChatID)
	}
	return stays, nil
}

// LastStays are the newest stays of these users in these chats: those of every pair that has one.
func (s *Service) LastStays(ctx context.Context, userIDs, chatIDs []int64) ([]Stay, error) {
	var stays []Stay
	for chats := range slices.Chunk(chatIDs, inList) {
		rows, err := s.Client.Member.Query().Where(member.UserIDIn(userIDs...), member.ChatIDIn(chats...)).
			Order(member.ByChatID(), member.ByUserID(), member.ByJoinedVersion()).Select(stayColumns...).All(ctx)
		if err != nil {
			return nil, s.dbErr(err)
		}
		for _, r := range rows {
			if n := len(stays); n > 0 && stays[n-1].ChatID == r.ChatID && stays[n-1].UserID == r.UserID {
				stays = stays[:n-1]
			}
			stays = append(stays, stayOf(r))
		}
	}
	return stays, nil
}

// Versions are, for the birth of the user's inbox, the versions up to which its reader finds everything in the database: of every chat
// in which the user has or had a stay that of now, or, while some of its events are in the outbox, the one before the first of these, so that
// they are still told. One statement, so one moment.
func (s *Service) Versions(ctx context.Context, userID int64) (map[int64]int64, error) {
	rows, err := s.DB.QueryContext(ctx, `SELECT c.id, COALESCE((SELECT MIN(o.version) - 1 FROM outbox o WHERE o.chat_id = c.id AND o.type <> ?), c.version)
		FROM chats c WHERE c.id IN (SELECT chat_id FROM members WHERE user_id = ?)`, string(MessageRead), userID)
	if err != nil {
		return nil, s.dbErr(err)
	}
	defer func() { _ = rows.Close() }()
	versions := map[int64]int64{}
	for rows.Next() {
		var id, version int64
		if err := rows.Scan(&id, &version); err != nil {
			return nil, s.dbErr(err)
		}
		versions[id] = version
	}
	return versions, s.dbErr(rows.Err())
}

// Bodies are the messages with these ids as they are now, as their sender sees them.
func (s *Service) Bodies(ctx context.Context, ids []int64) ([]Message, error) {
	rows, err := s.Client.Message.Query().Where(message.IDIn(ids...)).All(ctx)
	return messagesOf(rows), s.dbErr(err)
}

func messagesOf(rows []*ent.Message) []Message {
	messages := make([]Message, len(rows))
	for i, r := range rows {
		messages[i] = messageOf(r)
	}
	return messages
}

func messageOf(r *ent.Message) Message {
	return Message{ID: r.ID, ChatID: r.ChatID, Seq: r.Seq, Version: r.Version, SenderID: r.SenderID, Content: r.Content, ClientID: r.ClientID,
		CreatedAt: At(r.CreatedAt), EditedAt: atOrNil(r.EditedAt), Deleted: r.Deleted}
}
