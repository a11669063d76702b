#!lua
-- Writes a message's body as it was read from the database after reserve.lua: never over a later version, and only while the
-- caller's word stands; a tombstone needs no word.
--
-- KEYS  body
-- ARGV  epoch, word, ttl in ms, deleted (1 or 0), version, then fields and values
-- Gives "ok", "stale", or "kept" where what stands is as good or somebody else is about to write.
local epoch, version = tonumber(ARGV[1]), tonumber(ARGV[5])
local b = redis.call('HMGET', KEYS[1], 'epoch', 'version', 'filler')
local of = tonumber(b[1] or 0)
if of > epoch then return 'stale' end
if b[3] ~= ARGV[2] and ARGV[4] ~= '1' then return 'kept' end
if of == epoch and tonumber(b[2] or 0) >= version then
  if b[3] == ARGV[2] then redis.call('HDEL', KEYS[1], 'filler') end
  return 'kept'
end
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'epoch', ARGV[1], 'version', ARGV[5], 'deleted', ARGV[4])
for i = 6, #ARGV, 2 do redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1]) end
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 'ok'
