-- +goose Up

-- Where push services wake apps up: one row for each app that asked, which ends with its token.
CREATE TABLE IF NOT EXISTS devices (
    id bigint NOT NULL AUTO_INCREMENT,
    user_id bigint NOT NULL,
    token_id bigint NOT NULL,
    device_id varbinary(64) NOT NULL,
    kind varbinary(8) NOT NULL,
    address text NOT NULL,
    address_hash varbinary(32) NOT NULL,
    p256dh varbinary(65) NULL,
    auth varbinary(16) NULL,
    created_at datetime(3) NOT NULL,
    updated_at datetime(3) NOT NULL,
    PRIMARY KEY (id),
    UNIQUE KEY address_hash (address_hash),
    UNIQUE KEY device_user_id_device_id (user_id, device_id),
    KEY device_token_id (token_id)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- One row: the key that Web Push services know this server by.
CREATE TABLE IF NOT EXISTS vapid_key (
    id bigint NOT NULL AUTO_INCREMENT,
    private_key varbinary(32) NOT NULL,
    created_at datetime(3) NOT NULL,
    PRIMARY KEY (id)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
