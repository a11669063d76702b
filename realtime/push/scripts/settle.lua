-- Says until when a claimed device is left alone, unless its token has connected since.
--   KEYS[1] push:{user}   ARGV[1] device   ARGV[2] the claim: "TOKEN UNTIL"   ARGV[3] what stands there then; empty: nothing
-- Answers 1 when the claim stood.
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then
  return 0
end
if ARGV[3] == '' then
  redis.call('HDEL', KEYS[1], ARGV[1])
else
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
end
return 1
