#!lua
-- Bears an inbox with the versions that the database had a moment ago: what is older is read from there, what is newer is
-- appended. Both keys go first, as one of them may have outlived the other.
--
-- KEYS  stream, hash
-- ARGV  epoch, birth id, ttl in ms, then chat, version, chat, version …
-- Gives "born", "stale", or "alive" where another was faster.
local epoch = tonumber(ARGV[1])
local of = tonumber(redis.call('HGET', KEYS[2], 'epoch') or 0)
if of > epoch then return 'stale' end
if of == epoch and redis.call('XLEN', KEYS[1]) > 0 then return 'alive' end
redis.call('DEL', KEYS[1], KEYS[2])
redis.call('HSET', KEYS[2], 'epoch', ARGV[1], 'birth', ARGV[2])
for i = 4, #ARGV, 2 do redis.call('HSET', KEYS[2], ARGV[i], ARGV[i + 1]) end
redis.call('XADD', KEYS[1], '*', 'type', 'inbox.opened', 'epoch', ARGV[1], 'birth', ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
redis.call('PEXPIRE', KEYS[2], ARGV[3])
return 'born'
