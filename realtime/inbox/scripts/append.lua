#!lua
-- Appends one chat's events to inboxes: each event once, in the order of versions, or not at all.
--
-- KEYS  for each inbox: its stream, its hash
-- ARGV  epoch, maxlen, ttl in ms, chat, direct (1 or 0), number of events,
--       for each event: type version message seq user by only at,
--       for each inbox: user, stays "joined-left,joined-left" ascending, left 0 while the stay lasts
-- Gives for each inbox two integers:
--   0 n     it has all of them now, n of them are new
--   1 0     unborn: there is no inbox of this epoch
--   2 0     stale: the inbox is of a later epoch than the caller's
--   3 last  behind: an event between last and one of these is missing
local epoch, maxlen, ttl, chat, direct, count = tonumber(ARGV[1]), ARGV[2], ARGV[3], ARGV[4], ARGV[5], tonumber(ARGV[6])
local WIDTH = 8

-- The first version after last at which the user was a member, or nil.
local function nextVersion(last, stays)
  for joined, left in string.gmatch(stays, '(%d+)-(%d+)') do
    joined, left = tonumber(joined), tonumber(left)
    if left == 0 or last < left then return math.max(last + 1, joined) end
  end
  return nil
end

local function add(stream, e, version, type)
  local entry = {'XADD', stream, 'MAXLEN', '~', maxlen, '*', 'type', type, 'chat', chat, 'version', version}
  local names = {nil, nil, 'message', 'seq', 'user', 'by', nil, 'at'}
  for i = 3, WIDTH do
    if names[i] and ARGV[e + i - 1] ~= '0' then
      entry[#entry + 1] = names[i]
      entry[#entry + 1] = ARGV[e + i - 1]
    end
  end
  redis.call(unpack(entry))
end

local function append(stream, hash, user, stays)
  local head = redis.call('HMGET', hash, 'epoch', chat)
  local of = tonumber(head[1] or 0)
  if of > epoch then return 2, 0 end
  if of < epoch or redis.call('XLEN', stream) == 0 then return 1, 0 end
  local last, new = tonumber(head[2] or 0), 0
  for i = 0, count - 1 do
    local e = 7 + i * WIDTH
    local type, version, seq, about, only = ARGV[e], tonumber(ARGV[e + 1]), ARGV[e + 3], ARGV[e + 4], ARGV[e + 6]
    if type == 'message.read' then
      -- Takes no version of its own: only forward for each reader, and where it comes to stand.
      local field = 'read:' .. chat .. ':' .. about
      if (direct == '1' or about == user) and tonumber(seq) > tonumber(redis.call('HGET', hash, field) or 0) then
        redis.call('HSET', hash, field, seq)
        add(stream, e, string.format('%.0f', last), type)
        new = new + 1
      end
    else
      local expected = nextVersion(last, stays)
      if expected and version > expected then return 3, last end
      if version == expected then
        if only == '0' or only == user then
          if type == 'member.added' and about == user then type = 'chat.created' end
          add(stream, e, ARGV[e + 1], type)
          new = new + 1
        end
        last = version
        redis.call('HSET', hash, chat, ARGV[e + 1])
      end
    end
  end
  if new > 0 then
    redis.call('PEXPIRE', stream, ttl)
    redis.call('PEXPIRE', hash, ttl)
  end
  return 0, new
end

local out = {}
for i = 1, #KEYS / 2 do
  local a = 7 + count * WIDTH + (i - 1) * 2
  local code, value = append(KEYS[2 * i - 1], KEYS[2 * i], ARGV[a], ARGV[a + 1])
  out[2 * i - 1], out[2 * i] = code, value
end
return out
