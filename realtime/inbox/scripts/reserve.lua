#!lua
-- Says that the caller is about to read the message from the database: only what stands here when fill.lua runs may write, so
-- nobody brings back a text that was deleted between their read and their write.
--
-- KEYS  body
-- ARGV  epoch, the caller's random word, ms for which the word stands where there is no body
-- Gives "ok" or "stale".
local of = tonumber(redis.call('HGET', KEYS[1], 'epoch') or 0)
if of > tonumber(ARGV[1]) then return 'stale' end
if of < tonumber(ARGV[1]) then redis.call('DEL', KEYS[1]) end
redis.call('HSET', KEYS[1], 'filler', ARGV[2])
if redis.call('HEXISTS', KEYS[1], 'version') == 0 then redis.call('PEXPIRE', KEYS[1], ARGV[3]) end
return 'ok'
