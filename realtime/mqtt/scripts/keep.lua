-- Renews the lease of a user.
--   KEYS[1] mqtt:{user}:lease   ARGV[1] node   ARGV[2] lease in ms
local holder = redis.call('GET', KEYS[1])
if holder == ARGV[1] or holder == ARGV[1] .. ' again' then
  return redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
return 0
