-- Forgets that the devices of a token were woken up: it has connected.
--   KEYS[1] push:{user}   ARGV[1] token
local fields = redis.call('HGETALL', KEYS[1])
for i = 1, #fields, 2 do
  if string.match(fields[i], '^%d+$') and string.match(fields[i + 1], '^%d+') == ARGV[1] then
    redis.call('HDEL', KEYS[1], fields[i])
  end
end
return 1
