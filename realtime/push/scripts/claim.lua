-- Claims devices of a user that are to be woken up, so that nobody else wakes them.
--   KEYS[1] push:{user}   KEYS[2] online:{user}   KEYS[3] inbox:{user}
--   ARGV[1] now in ms   ARGV[2] until when they are claimed   ARGV[3] expiry of what is kept, in ms   then in turn: device, its token
-- Answers a word for each: "claimed"; "foreground": its token is connected; "waiting": it was woken up already.
local online = {}
for _, member in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '(' .. ARGV[1], '+inf')) do
  online[string.match(member, '^%d+')] = true
end
local words = {}
for i = 4, #ARGV, 2 do
  local device, token = ARGV[i], ARGV[i + 1]
  local by, till = string.match(redis.call('HGET', KEYS[1], device) or '', '^(%d+) (%d+)$')
  if online[token] then
    local newest = redis.call('XREVRANGE', KEYS[3], '+', '-', 'COUNT', 1)
    redis.call('HSET', KEYS[1], 'owed:' .. device, token .. ' ' .. (newest[1] and newest[1][1] or '0-0'))
    table.insert(words, 'foreground')
  elseif by == token and tonumber(till) > tonumber(ARGV[1]) then
    table.insert(words, 'waiting')
  else
    redis.call('HSET', KEYS[1], device, token .. ' ' .. ARGV[2])
    redis.call('HDEL', KEYS[1], 'owed:' .. device)
    table.insert(words, 'claimed')
  end
end
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return words
