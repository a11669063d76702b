package chat

import (
	"context"
	"slices"

	"doran/ent"
	"doran/ent/member"
	"doran/ent/message"
	"doran/ent/predicate"

	"entgo.io/ent/dialect/sql"
)

// MessagePage is one page, ascending by id, or by version after ChangedAfter.
type MessagePage struct {
	Messages []Message `json:"messages"`
	HasMore  bool      `json:"has_more"`
}

// during is what the member may see, while their stay lasts: who is removed after they were found to be in sees nothing more.
func during(me *ent.Member) predicate.Message {
	return message.And(message.ChatID(me.ChatID), message.SeqGT(me.JoinedSeq), func(q *sql.Selector) {
		m := sql.Table(member.Table)
		q.Where(sql.Exists(sql.Select(m.C(member.FieldID)).From(m).Where(sql.And(sql.EQ(m.C(member.FieldID), me.ID), sql.EQ(m.C(member.FieldLeftVersion), 0)))))
	})
}

// Messages are a page of what the member may see: the newest when neither Before nor After is given. CodeNotFound.
func (s *Service) Messages(ctx context.Context, userID, chatID int64, p Page) (MessagePage, error) {
	row, me, err := s.memberOf(ctx, userID, chatID)
	if err != nil {
		return MessagePage{}, err
	}
	from, to, order, err := s.span(ctx, row, me, p)
	if err != nil {
		return MessagePage{}, err
	}
	rows, err := s.Client.Message.Query().Where(during(me), message.SeqGT(from), message.SeqLTE(to)).Order(message.BySeq(order)).Limit(p.Limit + 1).All(ctx)
	if err != nil {
		return MessagePage{}, s.dbErr(err)
	}
	page := pageOf(userID, rows, p.Limit)
	if !p.AfterSet {
		slices.Reverse(page.Messages)
	}
	return page, nil
}

// span is where the page and the one message that says whether there are more lie: from < seq <= to. As seq has no gap, it is no longer than
// they are, and costs the same anywhere in a long chat. MariaDB goes through all of the chat's newer ones for an end alone (57 ms for 50,000).
func (s *Service) span(ctx context.Context, row *ent.Chat, me *ent.Member, p Page) (from, to int64, order sql.OrderTermOption, err error) {
	length := int64(p.Limit) + 1
	if p.AfterSet {
		upTo, _, err := s.seqAt(ctx, row.ID, p.After)
		from = max(upTo, me.JoinedSeq)
		return from, from + length, sql.OrderAsc(), err
	}
	to = row.LastSeq
	if p.Before > 0 {
		_, to, err = s.seqAt(ctx, row.ID, p.Before)
	}
	return to - length, to, sql.OrderDesc(), err
}

// seqAt gives the seq of the chat's newest message whose id is at most this one, and of the newest whose id is below it; 0 is none. Ids of
// a chat ascend with seq, and it is seq that has the index: by id the pages of a long chat would be sorted, or sought in the whole table.
func (s *Service) seqAt(ctx context.Context, chatID, id int64) (upTo, below int64, err error) {
	if id == 0 {
		return 0, 0, nil
	}
	m, err := s.Client.Message.Query().Where(message.ID(id), message.ChatID(chatID)).Only(ctx)
	if err == nil {
		return m.Seq, m.Seq - 1, nil
	}
	if ent.IsNotFound(err) {
		m, err = s.Client.Message.Query().Where(message.ChatID(chatID), message.IDLT(id)).Order(message.BySeq(sql.OrderDesc())).First(ctx)
	}
	if ent.IsNotFound(err) {
		return 0, 0, nil
	}
	if err != nil {
		return 0, 0, s.dbErr(err)
	}
	return m.Seq, m.Seq, nil
}

func pageOf(userID int64, rows []*ent.Message, limit int) MessagePage {
	page := MessagePage{HasMore: len(rows) > limit}
	page.Messages = messagesOf(rows[:min(len(rows), limit)])
	for i, m := range page.Messages {
		page.Messages[i] = m.For(userID)
	}
	return page
}

// ChangedAfter are the messages that the member may see and that changed after the version, ascending by version.
func (s *Service) ChangedAfter(ctx context.Context, userID, chatID, version int64, limit int) (MessagePage, error) {
	_, me, err := s.memberOf(ctx, userID, chatID)
	if err != nil {
		return MessagePage{}, err
	}
	rows, err := s.Client.Message.Query().Where(during(me), message.VersionGT(version)).
		Order(message.ByVersion()).Limit(limit + 1).All(ctx)
	if err != nil {
		return MessagePage{}, s.dbErr(err)
	}
	return pageOf(userID, rows, limit), nil
}
