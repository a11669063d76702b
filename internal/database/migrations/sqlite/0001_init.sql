-- +goose Up

-- The tables of Doran, as ent/schema describes them.

-- Who does not want to hear from whom.
CREATE TABLE blocks (
    id integer NOT NULL PRIMARY KEY AUTOINCREMENT,
    user_id integer NOT NULL,
    target_id integer NOT NULL,
    created_at datetime NOT NULL
);
CREATE UNIQUE INDEX block_user_id_target_id ON blocks (user_id, target_id);
CREATE INDEX block_target_id ON blocks (target_id);

-- Direct chats and groups. The row is the lock under which everything in a chat gets its version.
CREATE TABLE chats (
    id integer NOT NULL PRIMARY KEY AUTOINCREMENT,
    kind text NOT NULL,
    title text NOT NULL DEFAULT '',
    owner_id integer NULL,
    low_user_id integer NULL,
    high_user_id integer NULL,
    creator_id integer NOT NULL,
    client_id text NULL,
    request_hash blob NULL,
    last_seq integer NOT NULL DEFAULT 0,
    version integer NOT NULL DEFAULT 1,
    member_count integer NOT NULL DEFAULT 0,
    last_message_id integer NULL,
    active_at datetime NOT NULL,
    created_at datetime NOT NULL,
    deleted_at datetime NULL,
    erased bool NOT NULL DEFAULT false
);
CREATE UNIQUE INDEX chat_low_user_id_high_user_id ON chats (low_user_id, high_user_id);
CREATE UNIQUE INDEX chat_creator_id_client_id ON chats (creator_id, client_id);
CREATE INDEX chat_erased_deleted_at ON chats (erased, deleted_at);

-- One row: which Redis the inboxes stand in.
CREATE TABLE epoch (
    id integer NOT NULL PRIMARY KEY AUTOINCREMENT,
    number integer NOT NULL,
    redis text NOT NULL
);

-- Lists of friends; each binds one side only.
CREATE TABLE friends (
    id integer NOT NULL PRIMARY KEY AUTOINCREMENT,
    user_id integer NOT NULL,
    target_id integer NOT NULL,
    created_at datetime NOT NULL
);
CREATE UNIQUE INDEX friend_user_id_target_id ON friends (user_id, target_id);
CREATE INDEX friend_target_id ON friends (target_id);

-- One row for each stay of a user in a chat.
CREATE TABLE members (
    id integer NOT NULL PRIMARY KEY AUTOINCREMENT,
    chat_id integer NOT NULL,
    user_id integer NOT NULL,
    role text NOT NULL DEFAULT 'member',
    joined_version integer NOT NULL,
    left_version integer NOT NULL DEFAULT 0,
    joined_seq integer NOT NULL,
    last_message_id integer NULL,
    read_seq integer NOT NULL,
    muted bool NOT NULL DEFAULT false,
    joined_at datetime NOT NULL
);
CREATE UNIQUE INDEX member_chat_id_user_id_left_version ON members (chat_id, user_id, left_version);
CREATE INDEX member_user_id_left_version ON members (user_id, left_version);

-- Ids of a chat ascend with seq, as both are given out under the lock of the chat.
CREATE TABLE messages (
    id integer NOT NULL PRIMARY KEY AUTOINCREMENT,
    chat_id integer NOT NULL,
    seq integer NOT NULL,
    version integer NOT NULL,
    sender_id integer NOT NULL,
    content text NOT NULL,
    client_id text NULL,
    created_at datetime NOT NULL,
    edited_at datetime NULL,
    deleted bool NOT NULL DEFAULT false
);
CREATE UNIQUE INDEX message_chat_id_seq ON messages (chat_id, seq);
CREATE INDEX message_chat_id_version ON messages (chat_id, version);
CREATE UNIQUE INDEX message_sender_id_client_id ON messages (sender_id, client_id);

-- Events that were committed and are not yet known to be in every inbox.
CREATE TABLE outbox (
    id integer NOT NULL PRIMARY KEY AUTOINCREMENT,
    chat_id integer NOT NULL,
    version integer NOT NULL,
    type text NOT NULL,
    message_id integer NOT NULL DEFAULT 0,
    seq integer NOT NULL DEFAULT 0,
    user_id integer NOT NULL DEFAULT 0,
    actor_id integer NOT NULL DEFAULT 0,
    only_id integer NOT NULL DEFAULT 0,
    at datetime NOT NULL
);
CREATE INDEX outbox_chat_id_version ON outbox (chat_id, version);
CREATE INDEX outbox_at ON outbox (at);

-- Signed-in devices. A token that has ended has no row.
CREATE TABLE tokens (
    id integer NOT NULL PRIMARY KEY AUTOINCREMENT,
    user_id integer NOT NULL,
    hash blob NOT NULL,
    device text NOT NULL DEFAULT '',
    created_at datetime NOT NULL,
    used_at datetime NOT NULL,
    expires_at datetime NOT NULL
);
CREATE UNIQUE INDEX tokens_hash_key ON tokens (hash);
CREATE INDEX token_user_id ON tokens (user_id);
CREATE INDEX token_expires_at ON tokens (expires_at);

-- A deleted user keeps a row without name and password.
CREATE TABLE users (
    id integer NOT NULL PRIMARY KEY AUTOINCREMENT,
    username text NULL,
    username_key text NULL,
    password text NOT NULL DEFAULT '',
    presence bool NOT NULL DEFAULT true,
    created_at datetime NOT NULL,
    deleted_at datetime NULL
);
CREATE UNIQUE INDEX users_username_key_key ON users (username_key);
