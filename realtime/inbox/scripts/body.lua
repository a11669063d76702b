#!lua flags=allow-oom
-- Reads a message's body, if it is of this epoch and at least of this version. As read.lua, it is refused by a replica.
--
-- KEYS  body
-- ARGV  epoch, version
-- Gives the fields chat seq version sender content client_id created_at edited_at deleted, or nothing.
local b = redis.call('HMGET', KEYS[1], 'epoch', 'version')
if b[1] ~= ARGV[1] or tonumber(b[2] or 0) < tonumber(ARGV[2]) then return {} end
return redis.call('HMGET', KEYS[1], 'chat', 'seq', 'version', 'sender', 'content', 'client_id', 'created_at', 'edited_at', 'deleted')
