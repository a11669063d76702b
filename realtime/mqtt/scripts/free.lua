-- Gives the lease of a user back, unless another node asked to look once more.
--   KEYS[1] mqtt:{user}:lease   ARGV[1] node   ARGV[2] lease in ms
-- Answers "free", "again" (the lease is kept), or "lost".
local holder = redis.call('GET', KEYS[1])
if holder == ARGV[1] then
  redis.call('DEL', KEYS[1])
  return 'free'
end
if holder == ARGV[1] .. ' again' then
  redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
  return 'again'
end
return 'lost'
