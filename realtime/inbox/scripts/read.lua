#!lua flags=allow-oom
-- Reads an inbox from a cursor, which is read inclusively: only where its own entry still stands is what follows contiguous.
-- It does not carry the flag no-writes, so a master that was demoted to a replica refuses it.
--
-- KEYS  stream, hash
-- ARGV  epoch, birth ("" from the oldest, "now" for the tail), entry id, number of entries
-- Gives {"ok", birth, entries}, {"gap"}, {"unborn"} or {"stale"}; of the tail one entry, the last.
local epoch, birth, entry, count = tonumber(ARGV[1]), ARGV[2], ARGV[3], tonumber(ARGV[4])
local head = redis.call('HMGET', KEYS[2], 'epoch', 'birth')
local of = tonumber(head[1] or 0)
if of > epoch then return {'stale'} end
if of < epoch or redis.call('XLEN', KEYS[1]) == 0 then return {'unborn'} end
if birth == 'now' then return {'ok', head[2], redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)} end
if birth == '' then return {'ok', head[2], redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', count)} end
if head[2] ~= birth then return {'gap'} end
local entries = redis.call('XRANGE', KEYS[1], entry, '+', 'COUNT', count + 1)
if not entries[1] or entries[1][1] ~= entry then return {'gap'} end
table.remove(entries, 1)
return {'ok', birth, entries}
