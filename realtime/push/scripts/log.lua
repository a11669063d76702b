-- Writes a line into the log of a device. What says the same as the line before is counted there.
--   KEYS[1] push:{user}:log:DEVICE   ARGV[1] time   ARGV[2] result   ARGV[3] in words   ARGV[4] lines that are kept   ARGV[5] expiry in ms
-- A line is: first time, last time, count, result, words.
local first, count, said = string.match(redis.call('LINDEX', KEYS[1], 0) or '', '^(%S+) %S+ (%d+) (.*)$')
if said == ARGV[2] .. ' ' .. ARGV[3] then
  redis.call('LSET', KEYS[1], 0, first .. ' ' .. ARGV[1] .. ' ' .. (count + 1) .. ' ' .. said)
else
  redis.call('LPUSH', KEYS[1], ARGV[1] .. ' ' .. ARGV[1] .. ' 1 ' .. ARGV[2] .. ' ' .. ARGV[3])
  redis.call('LTRIM', KEYS[1], 0, ARGV[4] - 1)
end
redis.call('PEXPIRE', KEYS[1], ARGV[5])
return 1
