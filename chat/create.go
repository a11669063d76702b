package chat

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"slices"

	"doran/ent"
	"doran/ent/block"
	entchat "doran/ent/chat"
	"doran/ent/user"
)

// NewChat is what a chat is made of.
type NewChat struct {
	UserIDs  []int64 // the others
	Kind     string  // "" is KindGroup
	Title    string
	ClientID string // "" is none
}

// hash is of what was asked for, so that a client_id that comes again can be told from one that is used twice.
func (n NewChat) hash() []byte {
	ids := slices.Sorted(slices.Values(n.UserIDs))
	b, _ := json.Marshal([]any{n.Kind, n.Title, ids})
	sum := sha256.Sum256(b)
	return sum[:]
}

func (s *Service) checkNewChat(userID int64, n NewChat) error {
	var kind, title error
	switch {
	case n.Kind != KindDirect && n.Kind != KindGroup:
		kind = Invalid("kind", "invalid", "must be %q or %q", KindDirect, KindGroup)
	case n.Kind == KindDirect && len(n.UserIDs) != 1:
		kind = Invalid("user_ids", "invalid", "a direct chat has exactly one other user")
	case n.Kind == KindDirect && n.Title != "":
		title = Invalid("title", "invalid", "a direct chat has no title")
	}
	return allInvalid(kind, title, checkOthers(userID, n.UserIDs), s.checkTitle(n.Title), checkClientID(n.ClientID))
}

func checkOthers(userID int64, ids []int64) error {
	seen := map[int64]bool{}
	for _, id := range ids {
		if id == userID {
			return Invalid("user_ids", "invalid", "names the others; you are in the chat anyway")
		}
		if seen[id] {
			return Invalid("user_ids", "duplicate", "has user %d twice", id)
		}
		seen[id] = true
	}
	return nil
}

// CreateChat makes a group, or finds or makes the direct chat of two; the bool says whether it is new. CodeValidation (unknown,
// doubled or own ids), CodeBlocked, CodeClientIDReused, CodeLimitReached. The same client_id again is the same chat; CodeNotFound
// when the caller has left that group since, or it was deleted: nothing is made in its place.
func (s *Service) CreateChat(ctx context.Context, userID int64, n NewChat) (Chat, bool, error) {
	if n.Kind == "" {
		n.Kind = KindGroup
	}
	if err := s.checkNewChat(userID, n); err != nil {
		return Chat{}, false, err
	}
	if len(n.UserIDs)+1 > s.Limits.Members {
		return Chat{}, false, refuse(CodeLimitReached, "A chat has at most %d members, and this one would have %d.", s.Limits.Members, len(n.UserIDs)+1)
	}
	id, isNew, err := s.findOrMake(ctx, userID, n)
	if err != nil {
		return Chat{}, false, err
	}
	c, err := s.Chat(ctx, userID, id)
	return c, isNew, err
}

// findOrMake: who meets the same client_id, or the other side of the direct chat, at the same moment finds the chat the next time round.
func (s *Service) findOrMake(ctx context.Context, userID int64, n NewChat) (id int64, isNew bool, err error) {
	for range 3 {
		if id, err = s.findChat(ctx, userID, n); id != 0 || err != nil {
			return id, false, err
		}
		if id, err = s.makeChat(ctx, userID, n); !isDuplicate(err) {
			return id, true, err
		}
	}
	return 0, false, unavailable(err)
}

// findChat is the chat that the client_id stands for, or the direct chat of the two, or 0. A direct chat that the user had deleted
// comes back.
func (s *Service) findChat(ctx context.Context, userID int64, n NewChat) (int64, error) {
	id, err := s.createdBefore(ctx, userID, n)
	if n.Kind == KindGroup || err != nil {
		return id, err
	}
	if id == 0 {
		id, err = s.findDirect(ctx, userID, n.UserIDs[0])
	}
	if id == 0 || err != nil {
		return 0, err
	}
	return id, s.openDirect(ctx, userID, id)
}

// createdBefore is the chat that this client_id stands for, or 0.
func (s *Service) createdBefore(ctx context.Context, userID int64, n NewChat) (int64, error) {
	if n.ClientID == "" {
		return 0, nil
	}
	row, err := s.Client.Chat.Query().Where(entchat.CreatorID(userID), entchat.ClientID(n.ClientID)).Only(ctx)
	if ent.IsNotFound(err) {
		return 0, nil
	}
	if err != nil {
		return 0, s.dbErr(err)
	}
	if row.RequestHash == nil || !slices.Equal(*row.RequestHash, n.hash()) {
		return 0, refuse(CodeClientIDReused, "The client_id %q stands for chat %d, which was asked for with other users or another title.", n.ClientID, row.ID)
	}
	return row.ID, nil
}

// makeChat fails with a duplicate when the same was asked for at the same time.
func (s *Service) makeChat(ctx context.Context, userID int64, n NewChat) (id int64, err error) {
	err = s.tx(ctx, func(tx *ent.Tx) error {
		if err := s.lockUsers(ctx, tx, userID, n.UserIDs); err != nil {
			return err
		}
		if err := s.mayMake(ctx, tx, userID, n); err != nil {
			return err
		}
		row, err := s.chatRow(tx, userID, n).Save(ctx)
		if err != nil {
			return err
		}
		id = row.ID
		return s.beginChat(ctx, tx, row, n.UserIDs)
	})
	if err == nil {
		s.announce(News{Chats: []int64{id}})
	}
	return id, err
}

// lockUsers makes sure that these users are there and stay there until the commit. The deletion of an account writes the user's row before it
// looks for the groups to leave: either it finds the new chat, or we find no user. The same lock keeps a block from slipping in
// between, and the number of chats that a user is in from growing past its limit. Who is not there is CodeValidation about user_ids.
func (s *Service) lockUsers(ctx context.Context, tx *ent.Tx, userID int64, others []int64) error {
	everybody := append([]int64{userID}, others...)
	found, err := forUpdate(s, tx.User.Query().Where(user.IDIn(everybody...), user.DeletedAtIsNil()).Order(user.ByID())).IDs(ctx)
	if err != nil {
		return err
	}
	for _, id := range others {
		if !slices.Contains(found, id) {
			return Invalid("user_ids", "not_found", "there is no user %d", id)
		}
	}
	if !slices.Contains(found, userID) {
		return errNoToken
	}
	return nil
}

// mayMake: nobody brings those who blocked them into a group, and no direct chat is opened where one blocked the other. A direct chat may be
// opened to who is in as many chats as one can be, or others could make them unreachable by groups.
func (s *Service) mayMake(ctx context.Context, tx *ent.Tx, userID int64, n NewChat) error {
	if n.Kind == KindDirect {
		blocked, err := eitherBlocked(ctx, tx.Block, userID, n.UserIDs[0])
		if err != nil {
			return err
		}
		if blocked {
			return errMayNotOpen
		}
		return s.mayJoinMore(ctx, tx.Client(), userID)
	}
	blocked, err := tx.Block.Query().Where(block.UserIDIn(n.UserIDs...), block.TargetID(userID)).Exist(ctx)
	if err != nil {
		return err
	}
	if blocked {
		return errMayNotAdd
	}
	return s.mayJoinMore(ctx, tx.Client(), append([]int64{userID}, n.UserIDs...)...)
}

var (
	errMayNotAdd  = refuse(CodeBlocked, "Somebody among them blocked you, so you cannot bring them into a chat.")
	errMayNotOpen = refuse(CodeBlocked, "One of you blocked the other, so no chat is opened between you.")
)

func (s *Service) chatRow(tx *ent.Tx, userID int64, n NewChat) *ent.ChatCreate {
	now := At(s.Now()).Time
	row := tx.Chat.Create().SetKind(n.Kind).SetTitle(n.Title).SetCreatorID(userID).SetMemberCount(len(n.UserIDs) + 1).SetCreatedAt(now).SetActiveAt(now)
	if n.ClientID != "" {
		row.SetClientID(n.ClientID).SetRequestHash(n.hash())
	}
	if n.Kind == KindDirect {
		return row.SetLowUserID(min(userID, n.UserIDs[0])).SetHighUserID(max(userID, n.UserIDs[0]))
	}
	return row.SetOwnerID(userID)
}

// beginChat begins everybody's first stay, the creator's before the others', and tells of the chat: its version 1.
func (s *Service) beginChat(ctx context.Context, tx *ent.Tx, row *ent.Chat, others []int64) error {
	stay := func(userID int64) *ent.MemberCreate {
		return tx.Member.Create().SetChatID(row.ID).SetUserID(userID).SetJoinedVersion(row.Version).SetJoinedSeq(0).SetReadSeq(0).SetJoinedAt(row.CreatedAt)
	}
	stays := []*ent.MemberCreate{stay(row.CreatorID)}
	if row.Kind == KindGroup {
		stays[0].SetRole(RoleOwner)
	}
	for _, id := range others {
		stays = append(stays, stay(id))
	}
	if err := tx.Member.CreateBulk(stays...).Exec(ctx); err != nil {
		return err
	}
	return writeOutbox(ctx, tx.Client(), []Event{{ChatID: row.ID, Version: row.Version, Type: ChatCreated, ByID: row.CreatorID, At: At(row.CreatedAt)}})
}
