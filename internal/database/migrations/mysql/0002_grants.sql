-- +goose Up

-- Who may be a client of the MQTT broker: one row for each token that asked, which stays until the broker has forgotten it.
CREATE TABLE IF NOT EXISTS grants (
    id bigint NOT NULL AUTO_INCREMENT,
    token_id bigint NULL,
    user_id bigint NOT NULL,
    client_id varbinary(64) NOT NULL,
    password_hash varbinary(32) NOT NULL,
    created_at datetime(3) NOT NULL,
    PRIMARY KEY (id),
    UNIQUE KEY token_id (token_id),
    UNIQUE KEY client_id (client_id),
    KEY grant_user_id (user_id)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
