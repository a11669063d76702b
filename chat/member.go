package chat

import (
	"context"

	"doran/ent"
	"doran/ent/member"
	"doran/ent/user"
)

// The roles of a member.
const (
	RoleOwner  = "owner"
	RoleMember = "member"
)

// Member is one who is in a chat.
type Member struct {
	ID            int64   `json:"id"` // of the user
	Username      *string `json:"username"`
	Role          string  `json:"role"`
	LastMessageID *int64  `json:"last_message_id"`
	JoinedAt      Time    `json:"joined_at"`
}

// MyMember is the asking user's own membership.
type MyMember struct {
	Member
	Muted bool `json:"muted"`
}

// Members are those who are in the chat, the longest-standing first. CodeNotFound.
func (s *Service) Members(ctx context.Context, userID, chatID int64) ([]Member, error) {
	if _, _, err := s.memberOf(ctx, userID, chatID); err != nil {
		return nil, err
	}
	rows, err := s.Client.Member.Query().Where(member.ChatID(chatID), member.LeftVersion(0)).Order(member.ByID()).All(ctx)
	if err != nil {
		return nil, s.dbErr(err)
	}
	return s.membersOf(ctx, rows)
}

func (s *Service) membersOf(ctx context.Context, rows []*ent.Member) ([]Member, error) {
	ids := make([]int64, len(rows))
	for i, r := range rows {
		ids[i] = r.UserID
	}
	users, err := s.Users(ctx, ids)
	if err != nil {
		return nil, err
	}
	names := make(map[int64]*string, len(users))
	for _, u := range users {
		names[u.ID] = u.Username
	}
	members := make([]Member, len(rows))
	for i, r := range rows {
		members[i] = Member{ID: r.UserID, Username: names[r.UserID], Role: r.Role, LastMessageID: r.LastMessageID, JoinedAt: At(r.JoinedAt)}
	}
	return members, nil
}

// AddMember says whether the member is new. CodeNotFound (chat; target unknown or deleted), CodeDirectChat, CodeBlocked (the target blocked
// the caller), CodeLimitReached.
func (s *Service) AddMember(ctx context.Context, userID, chatID, targetID int64) (Member, bool, error) {
	var row *ent.Member
	isNew := false
	err := s.change(ctx, userID, chatID, func(c *change, _ *ent.Member) (err error) {
		isNew = false
		if isDirect(c.Chat) {
			return refuse(CodeDirectChat, "A direct chat stays with its two; make a group for more.")
		}
		if row, err = c.stay(ctx, targetID); row != nil || err != nil {
			return err
		}
		if err := c.mayBeAdded(ctx, userID, targetID); err != nil {
			return err
		}
		isNew = true
		c.MemberCount++
		row, err = c.begin(ctx, targetID, c.event(Event{Type: MemberAdded, UserID: targetID, ByID: userID}), RoleMember)
		return err
	})
	if err != nil {
		return Member{}, false, err
	}
	members, err := s.membersOf(ctx, []*ent.Member{row})
	if err != nil {
		return Member{}, false, err
	}
	return members[0], isNew, nil
}

// mayBeAdded: who is there, did not block the caller, and has room, in a chat that has room.
func (c *change) mayBeAdded(ctx context.Context, userID, targetID int64) error {
	there, err := forUpdate(c.s, c.tx.User.Query().Where(user.ID(targetID), user.DeletedAtIsNil())).IDs(ctx) // lockUsers says why it is locked
	if err != nil {
		return err
	}
	if len(there) == 0 {
		return noUser(targetID)
	}
	blocked, err := hasBlocked(ctx, c.tx.Block, targetID, userID)
	if err != nil {
		return err
	}
	if blocked {
		return errMayNotAdd
	}
	if c.MemberCount >= c.s.Limits.Members {
		return refuse(CodeLimitReached, "Chat %d has %d members, and no room for more.", c.ID, c.MemberCount)
	}
	return c.s.mayJoinMore(ctx, c.tx, targetID)
}

// mayJoinMore: each user is in at most Limits.Chats chats.
func (s *Service) mayJoinMore(ctx context.Context, db *ent.Client, userIDs ...int64) error {
	var in []struct {
		UserID int64 `json:"user_id"`
		Count  int   `json:"count"`
	}
	err := db.Member.Query().Where(member.UserIDIn(userIDs...), member.LeftVersion(0)).GroupBy(member.FieldUserID).Aggregate(ent.Count()).Scan(ctx, &in)
	if err != nil {
		return err
	}
	for _, u := range in {
		if u.Count >= s.Limits.Chats {
			return refuse(CodeLimitReached, "User %d is in %d chats, which is as many as one can be in.", u.UserID, u.Count)
		}
	}
	return nil
}

// RemoveMember is leaving when userID is targetID, and for the owner removing. CodeNotFound, CodeForbidden, CodeDirectChat.
func (s *Service) RemoveMember(ctx context.Context, userID, chatID, targetID int64) error {
	return s.change(ctx, userID, chatID, func(c *change, me *ent.Member) error {
		if isDirect(c.Chat) {
			if userID != targetID {
				return refuse(CodeDirectChat, "Nobody is removed from a direct chat; block them instead.")
			}
			return c.deleteForOneSide(ctx, me)
		}
		if userID != targetID && me.Role != RoleOwner {
			return refuse(CodeForbidden, "Only the owner of chat %d removes others.", chatID)
		}
		stay, err := c.stay(ctx, targetID)
		if err != nil {
			return err
		}
		if stay == nil {
			return refuse(CodeNotFound, "User %d is not in chat %d.", targetID, chatID)
		}
		return c.remove(ctx, stay, userID)
	})
}

// remove ends a stay in a group. The last one out ends the chat; an owner hands over to the longest-standing member.
func (c *change) remove(ctx context.Context, stay *ent.Member, byID int64) error {
	if err := c.end(ctx, stay, c.event(Event{Type: MemberRemoved, UserID: stay.UserID, ByID: byID})); err != nil {
		return err
	}
	c.MemberCount--
	if c.MemberCount == 0 {
		c.DeletedAt = &c.at
		return nil
	}
	if stay.Role != RoleOwner {
		return nil
	}
	heir, err := c.tx.Member.Query().Where(member.ChatID(c.ID), member.LeftVersion(0)).Order(member.ByID()).First(ctx)
	if err != nil {
		return err
	}
	c.OwnerID = &heir.UserID
	c.event(Event{Type: ChatUpdated, ByID: byID})
	return c.tx.Member.Update().Where(member.ID(heir.ID)).SetRole(RoleOwner).Exec(ctx)
}

// SetMuted says whether this chat is kept from waking the user's devices. CodeNotFound.
func (s *Service) SetMuted(ctx context.Context, userID, chatID int64, muted bool) (MyMember, error) {
	_, me, err := s.memberOf(ctx, userID, chatID)
	if err != nil {
		return MyMember{}, err
	}
	err = s.tx(ctx, func(tx *ent.Tx) error {
		return tx.Member.Update().Where(member.ID(me.ID)).SetMuted(muted).Exec(ctx)
	})
	if err != nil {
		return MyMember{}, err
	}
	members, err := s.membersOf(ctx, []*ent.Member{me})
	if err != nil {
		return MyMember{}, err
	}
	return MyMember{Member: members[0], Muted: muted}, nil
}
