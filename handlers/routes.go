package handlers

// routes is every URL of the API: method, path, who may call it, what bounds the caller, what answers. Each is served with and
// without its trailing slash, GET also answers HEAD, and any other method is 405. A route is not there when its
// endpoint is nil.
func (a *api) routes() []route {
	return []route{
		{POST, "/accounts/signup/", anyone, a.signUps, a.signUp},
		{POST, "/accounts/login/", anyone, a.logins, a.login},
		{POST, "/accounts/logout/", user, nil, a.logout},
		{POST, "/accounts/password/", user, a.passwords, a.changePassword},
		{GET, "/accounts/", user, a.lookUps, a.findUsers},
		{GET, "/accounts/me/", user, nil, a.me},
		{PATCH, "/accounts/me/", user, nil, a.changeMe},
		{DELETE, "/accounts/me/", user, a.passwords, a.deleteMe},
		{GET, "/accounts/{user_id}/", user, a.lookUps, a.user},

		{GET, "/accounts/{user_id}/tokens/", self, nil, a.tokens},
		{DELETE, "/accounts/{user_id}/tokens/{token_id}/", self, nil, a.endToken},

		{GET, "/accounts/{user_id}/friends/", self, nil, a.friends},
		{POST, "/accounts/{user_id}/friends/{friend_id}/", self, a.openings, a.addFriend},
		{DELETE, "/accounts/{user_id}/friends/{friend_id}/", self, nil, a.removeFriend},

		{GET, "/accounts/{user_id}/blocks/", self, nil, a.blocks},
		{POST, "/accounts/{user_id}/blocks/{target_id}/", self, a.openings, a.block},
		{DELETE, "/accounts/{user_id}/blocks/{target_id}/", self, nil, a.unblock},

		{GET, "/accounts/{user_id}/devices/", self, nil, a.devices},
		{PUT, "/accounts/{user_id}/devices/{device_id}/", self, a.openings, a.putDevice},
		{DELETE, "/accounts/{user_id}/devices/{device_id}/", self, nil, a.removeDevice},
		{GET, "/accounts/{user_id}/devices/{device_id}/log/", self, nil, a.Realtime.DeviceLog},

		{GET, "/accounts/{user_id}/chats/", self, nil, a.chats},
		{POST, "/chats/", user, a.openings, a.createChat},
		{GET, "/chats/{chat_id}/", user, nil, a.chat},
		{PATCH, "/chats/{chat_id}/", user, nil, a.changeChat},
		{DELETE, "/chats/{chat_id}/", user, nil, a.deleteChat},
		{POST, "/chats/{chat_id}/typing/", user, a.sends, a.typing},

		{GET, "/chats/{chat_id}/messages/", user, nil, a.messages},
		{POST, "/chats/{chat_id}/messages/", user, a.sends, a.sendMessage},
		{PATCH, "/chats/{chat_id}/messages/{message_id}/", user, a.sends, a.changeMessage},

		{GET, "/chats/{chat_id}/users/", user, nil, a.members},
		{POST, "/chats/{chat_id}/users/{user_id}/", user, a.openings, a.addMember},
		{PATCH, "/chats/{chat_id}/users/{user_id}/", selfInChat, nil, a.changeMember},
		{DELETE, "/chats/{chat_id}/users/{user_id}/", user, nil, a.removeMember},
		{PATCH, "/chats/{chat_id}/users/{user_id}/messages/{message_id}/", selfInChat, nil, a.markRead},

		{GET, "/realtime/ws", anyoneWhoProves, nil, a.Realtime.WebSocket},
		{GET, "/realtime/sse", anyoneWhoProves, nil, a.Realtime.SSE},
		{GET, "/realtime/poll", anyoneWhoProves, nil, a.Realtime.Poll},
		{POST, "/realtime/ticket/", anyoneWhoProves, nil, a.Realtime.Ticket},
		{POST, "/realtime/mqtt/", user, a.openings, a.Realtime.MQTTGrant},
		{DELETE, "/realtime/mqtt/", user, nil, a.Realtime.MQTTRevoke},
		{GET, "/realtime/webpush/", user, nil, a.webPush},
	}
}
