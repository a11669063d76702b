-- +goose Up

-- The tables of Doran, as ent/schema describes them. MySQL commits each CREATE TABLE by itself: IF NOT EXISTS lets a
-- migration that was cut off begin again. Keys and names are VARBINARY, as utf8mb4_bin ignores trailing spaces.

-- Who does not want to hear from whom.
CREATE TABLE IF NOT EXISTS blocks (
    id bigint NOT NULL AUTO_INCREMENT,
    user_id bigint NOT NULL,
    target_id bigint NOT NULL,
    created_at datetime(3) NOT NULL,
    PRIMARY KEY (id),
    UNIQUE KEY block_user_id_target_id (user_id, target_id),
    KEY block_target_id (target_id)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- Direct chats and groups. The row is the lock under which everything in a chat gets its version.
CREATE TABLE IF NOT EXISTS chats (
    id bigint NOT NULL AUTO_INCREMENT,
    kind varbinary(8) NOT NULL,
    title varchar(100) NOT NULL DEFAULT '',
    owner_id bigint NULL,
    low_user_id bigint NULL,
    high_user_id bigint NULL,
    creator_id bigint NOT NULL,
    client_id varbinary(64) NULL,
    request_hash varbinary(32) NULL,
    last_seq bigint NOT NULL DEFAULT 0,
    version bigint NOT NULL DEFAULT 1,
    member_count bigint NOT NULL DEFAULT 0,
    last_message_id bigint NULL,
    active_at datetime(3) NOT NULL,
    created_at datetime(3) NOT NULL,
    deleted_at datetime(3) NULL,
    erased tinyint(1) NOT NULL DEFAULT 0,
    PRIMARY KEY (id),
    UNIQUE KEY chat_low_user_id_high_user_id (low_user_id, high_user_id),
    UNIQUE KEY chat_creator_id_client_id (creator_id, client_id),
    KEY chat_erased_deleted_at (erased, deleted_at)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- One row: which Redis the inboxes stand in.
CREATE TABLE IF NOT EXISTS epoch (
    id bigint NOT NULL AUTO_INCREMENT,
    number bigint NOT NULL,
    redis text NOT NULL,
    PRIMARY KEY (id)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- Lists of friends; each binds one side only.
CREATE TABLE IF NOT EXISTS friends (
    id bigint NOT NULL AUTO_INCREMENT,
    user_id bigint NOT NULL,
    target_id bigint NOT NULL,
    created_at datetime(3) NOT NULL,
    PRIMARY KEY (id),
    UNIQUE KEY friend_user_id_target_id (user_id, target_id),
    KEY friend_target_id (target_id)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- One row for each stay of a user in a chat.
CREATE TABLE IF NOT EXISTS members (
    id bigint NOT NULL AUTO_INCREMENT,
    chat_id bigint NOT NULL,
    user_id bigint NOT NULL,
    role varbinary(8) NOT NULL DEFAULT 'member',
    joined_version bigint NOT NULL,
    left_version bigint NOT NULL DEFAULT 0,
    joined_seq bigint NOT NULL,
    last_message_id bigint NULL,
    read_seq bigint NOT NULL,
    muted tinyint(1) NOT NULL DEFAULT 0,
    joined_at datetime(3) NOT NULL,
    PRIMARY KEY (id),
    UNIQUE KEY member_chat_id_user_id_left_version (chat_id, user_id, left_version),
    KEY member_user_id_left_version (user_id, left_version)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- Ids of a chat ascend with seq, as both are given out under the lock of the chat.
CREATE TABLE IF NOT EXISTS messages (
    id bigint NOT NULL AUTO_INCREMENT,
    chat_id bigint NOT NULL,
    seq bigint NOT NULL,
    version bigint NOT NULL,
    sender_id bigint NOT NULL,
    content text NOT NULL,
    client_id varbinary(64) NULL,
    created_at datetime(3) NOT NULL,
    edited_at datetime(3) NULL,
    deleted tinyint(1) NOT NULL DEFAULT 0,
    PRIMARY KEY (id),
    UNIQUE KEY message_chat_id_seq (chat_id, seq),
    KEY message_chat_id_version (chat_id, version),
    UNIQUE KEY message_sender_id_client_id (sender_id, client_id)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- Events that were committed and are not yet known to be in every inbox.
CREATE TABLE IF NOT EXISTS outbox (
    id bigint NOT NULL AUTO_INCREMENT,
    chat_id bigint NOT NULL,
    version bigint NOT NULL,
    type varbinary(32) NOT NULL,
    message_id bigint NOT NULL DEFAULT 0,
    seq bigint NOT NULL DEFAULT 0,
    user_id bigint NOT NULL DEFAULT 0,
    actor_id bigint NOT NULL DEFAULT 0,
    only_id bigint NOT NULL DEFAULT 0,
    at datetime(3) NOT NULL,
    PRIMARY KEY (id),
    KEY outbox_chat_id_version (chat_id, version),
    KEY outbox_at (at)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- Signed-in devices. A token that has ended has no row.
CREATE TABLE IF NOT EXISTS tokens (
    id bigint NOT NULL AUTO_INCREMENT,
    user_id bigint NOT NULL,
    hash varbinary(32) NOT NULL,
    device varchar(100) NOT NULL DEFAULT '',
    created_at datetime(3) NOT NULL,
    used_at datetime(3) NOT NULL,
    expires_at datetime(3) NOT NULL,
    PRIMARY KEY (id),
    UNIQUE KEY hash (hash),
    KEY token_user_id (user_id),
    KEY token_expires_at (expires_at)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- A deleted user keeps a row without name and password.
CREATE TABLE IF NOT EXISTS users (
    id bigint NOT NULL AUTO_INCREMENT,
    username varchar(64) NULL,
    username_key varbinary(255) NULL,
    password varbinary(255) NOT NULL DEFAULT '',
    presence tinyint(1) NOT NULL DEFAULT 1,
    created_at datetime(3) NOT NULL,
    deleted_at datetime(3) NULL,
    PRIMARY KEY (id),
    UNIQUE KEY username_key (username_key)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
