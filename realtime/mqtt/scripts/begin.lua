-- Begins the cursor of a grant; one that is there stays.
--   KEYS[1] mqtt:{user}   ARGV[1] token   ARGV[2] grant   ARGV[3] cursor   ARGV[4] expiry in ms
local value = redis.call('HGET', KEYS[1], ARGV[1])
if not value or string.match(value, '^%d+') ~= ARGV[2] then
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[2] .. ' ' .. ARGV[3])
end
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return 1
