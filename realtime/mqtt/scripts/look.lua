-- Looks whether a grant has something to be forwarded. One that Redis knows nothing of is owed a gap.
--   KEYS[1] mqtt:{user}   KEYS[2] inbox:{user}   KEYS[3] online:{user}
--   ARGV[1] token   ARGV[2] grant   ARGV[3] expiry in ms   ARGV[4] now in ms
-- Answers 1 when the user is to be looked at: something stands behind the cursor, and the token is in the background.
local value = redis.call('HGET', KEYS[1], ARGV[1])
if not value or string.match(value, '^%d+') ~= ARGV[2] then
  value = ARGV[2] .. ' '
  redis.call('HSET', KEYS[1], ARGV[1], value)
end
redis.call('PEXPIRE', KEYS[1], ARGV[3])
for _, member in ipairs(redis.call('ZRANGEBYSCORE', KEYS[3], '(' .. ARGV[4], '+inf')) do
  if string.match(member, '^%d+') == ARGV[1] then
    return 0
  end
end
local newest = redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', 1)
if newest[1] and string.match(value, '%.(%d+%-%d+)%.[^.]*$') == newest[1][1] then
  return 0
end
return 1
