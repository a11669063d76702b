-- +goose Up

-- Where push services wake apps up: one row for each app that asked, which ends with its token.
CREATE TABLE devices (
    id integer NOT NULL PRIMARY KEY AUTOINCREMENT,
    user_id integer NOT NULL,
    token_id integer NOT NULL,
    device_id text NOT NULL,
    kind text NOT NULL,
    address text NOT NULL,
    address_hash blob NOT NULL,
    p256dh blob NULL,
    auth blob NULL,
    created_at datetime NOT NULL,
    updated_at datetime NOT NULL
);
CREATE UNIQUE INDEX devices_address_hash_key ON devices (address_hash);
CREATE UNIQUE INDEX device_user_id_device_id ON devices (user_id, device_id);
CREATE INDEX device_token_id ON devices (token_id);

-- One row: the key that Web Push services know this server by.
CREATE TABLE vapid_key (
    id integer NOT NULL PRIMARY KEY AUTOINCREMENT,
    private_key blob NOT NULL,
    created_at datetime NOT NULL
);
