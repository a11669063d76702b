-- Ends or shortens one lease, and moves the background cursor of the token on to what its device has handled.
--   KEYS[1] online:{user}   KEYS[2] mqtt:{user}   KEYS[3] push:{user}
--   ARGV[1] member   ARGV[2] when the lease ends now, in ms; 0: at once   ARGV[3] now
--   ARGV[4] token    ARGV[5] cursor that its device confirmed; may be empty
-- Answers when the last lease of the user ends; 0: there is none.
if ARGV[2] == '0' then
  redis.call('ZREM', KEYS[1], ARGV[1])
elseif redis.call('ZSCORE', KEYS[1], ARGV[1]) then
  redis.call('ZADD', KEYS[1], ARGV[2], ARGV[1])
end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[3])

-- "GRANT CURSOR"; a cursor is USER.EPOCH.BIRTH.ENTRY.CHECK. Within one birth of the inbox it goes forward only; of two births
-- the one that was just read from is the later.
local value = redis.call('HGET', KEYS[2], ARGV[4])
if value and ARGV[5] ~= '' then
  local grant, cursor = string.match(value, '^(%d+) (.*)$')
  local inbox, ms, n = string.match(cursor or '', '^(%d+%.%d+%.%x+)%.(%d+)%-(%d+)%.')
  local inbox2, ms2, n2 = string.match(ARGV[5], '^(%d+%.%d+%.%x+)%.(%d+)%-(%d+)%.')
  if inbox2 then
    ms, n, ms2, n2 = tonumber(ms), tonumber(n), tonumber(ms2), tonumber(n2)
    if inbox ~= inbox2 or ms2 > ms or (ms2 == ms and n2 > n) then
      redis.call('HSET', KEYS[2], ARGV[4], grant .. ' ' .. ARGV[5])
    end
  end
end

-- "TOKEN ENTRY": what its devices would be woken up for. What came up to the cursor they have.
local ms2, n2 = string.match(ARGV[5], '^%d+%.%d+%.%x+%.(%d+)%-(%d+)%.')
local owed = ms2 and redis.call('HGETALL', KEYS[3]) or {}
for i = 1, #owed, 2 do
  local token, ms, n = string.match(owed[i + 1], '^(%d+) (%d+)%-(%d+)$')
  if token == ARGV[4] then
    ms, n = tonumber(ms), tonumber(n)
    if ms < tonumber(ms2) or (ms == tonumber(ms2) and n <= tonumber(n2)) then
      redis.call('HDEL', KEYS[3], owed[i])
    end
  end
end

local last = redis.call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')
return last[2] or '0'
