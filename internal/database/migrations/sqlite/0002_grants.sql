-- +goose Up

-- Who may be a client of the MQTT broker: one row for each token that asked, which stays until the broker has forgotten it.
CREATE TABLE grants (
    id integer NOT NULL PRIMARY KEY AUTOINCREMENT,
    token_id integer NULL,
    user_id integer NOT NULL,
    client_id text NOT NULL,
    password_hash blob NOT NULL,
    created_at datetime NOT NULL
);
CREATE UNIQUE INDEX grants_token_id_key ON grants (token_id);
CREATE UNIQUE INDEX grants_client_id_key ON grants (client_id);
CREATE INDEX grant_user_id ON grants (user_id);
