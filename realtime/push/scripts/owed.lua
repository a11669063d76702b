-- Takes the devices that are owed a push: they were connected when something came, are no longer, and have not confirmed that they have it.
--   KEYS[1] push:{user}   KEYS[2] online:{user}   ARGV[1] now in ms
-- Answers the devices.
local online = {}
for _, member in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '(' .. ARGV[1], '+inf')) do
  online[string.match(member, '^%d+')] = true
end
local devices, fields = {}, redis.call('HGETALL', KEYS[1])
for i = 1, #fields, 2 do
  local device = string.match(fields[i], '^owed:(%d+)$')
  if device and not online[string.match(fields[i + 1], '^%d+')] then
    redis.call('HDEL', KEYS[1], fields[i])
    table.insert(devices, device)
  end
end
return devices
