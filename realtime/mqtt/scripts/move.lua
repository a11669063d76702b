-- Moves the cursor of a grant after a PUBACK, and renews the lease.
--   KEYS[1] mqtt:{user}   KEYS[2] mqtt:{user}:lease
--   ARGV[1] node   ARGV[2] lease in ms   ARGV[3] token   ARGV[4] what stands there: "GRANT CURSOR"   ARGV[5] what is to stand there
--   ARGV[6] expiry of the cursors in ms
-- Answers "moved"; "lost": another node has the lease; "changed": a foreground moved the cursor, or the grant is another.
local holder = redis.call('GET', KEYS[2])
if holder ~= ARGV[1] and holder ~= ARGV[1] .. ' again' then
  return 'lost'
end
redis.call('PEXPIRE', KEYS[2], ARGV[2])
if redis.call('HGET', KEYS[1], ARGV[3]) ~= ARGV[4] then
  return 'changed'
end
redis.call('HSET', KEYS[1], ARGV[3], ARGV[5])
redis.call('PEXPIRE', KEYS[1], ARGV[6])
return 'moved'
