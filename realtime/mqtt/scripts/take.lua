-- Takes the lease of a user for a node, or asks the node that has it to look once more.
--   KEYS[1] mqtt:{user}   KEYS[2] mqtt:{user}:lease   KEYS[3] online:{user}
--   ARGV[1] node   ARGV[2] lease in ms   ARGV[3] now in ms
-- Answers {"held"}, or {"taken", token and "GRANT CURSOR" in turn, the members of online:{user} that have not ended}.
local holder = redis.call('GET', KEYS[2])
if holder and holder ~= ARGV[1] and holder ~= ARGV[1] .. ' again' then
  if not string.find(holder, ' again', 1, true) then
    local left = redis.call('PTTL', KEYS[2])
    if left > 0 then
      redis.call('SET', KEYS[2], holder .. ' again', 'PX', left)
    end
  end
  return {'held'}
end
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
return {'taken', redis.call('HGETALL', KEYS[1]), redis.call('ZRANGEBYSCORE', KEYS[3], '(' .. ARGV[3], '+inf')}
