-- Takes a user out of those who are online, unless a later lease was taken meanwhile.
--   KEYS[1] online:until
--   ARGV[1] user   ARGV[2] the latest end that the caller knows of, in ms   ARGV[3] what it is now; 0: over
-- Answers 1 when the user is out.
local score = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not score or tonumber(score) > tonumber(ARGV[2]) then
  return 0
end
if ARGV[3] == '0' then
  return redis.call('ZREM', KEYS[1], ARGV[1])
end
redis.call('ZADD', KEYS[1], ARGV[3], ARGV[1])
return 0
