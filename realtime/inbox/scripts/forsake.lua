#!lua
-- Removes an inbox that misses an event which is no longer in the outbox, if it still stands where it was found: it is born
-- again from the database, and its readers are told of a gap.
--
-- KEYS  stream, hash
-- ARGV  epoch, chat, last version found
if tonumber(redis.call('HGET', KEYS[2], 'epoch') or 0) ~= tonumber(ARGV[1]) then return 0 end
if tonumber(redis.call('HGET', KEYS[2], ARGV[2]) or 0) ~= tonumber(ARGV[3]) then return 0 end
return redis.call('DEL', KEYS[1], KEYS[2])
