-- Takes a finished operation off its lane, writes its outcome, adds what follows and hands out the next. KEYS: queue,
-- memory, delivered, partings, then those of scripts/adding.lua. ARGV: lane, token, lease in milliseconds, name of the
-- call, operation, seconds to remember it, link or '', 'unlink' or '', 'untouched' where nobody began what waited behind
-- it when the server began its run or '', how many messages were delivered, Slack timestamp and record of each, then
-- those of scripts/adding.lua.

local lane, token, lease, call, op, remember, link, unlink, untouched, messages = unpack(ARGV, 1, 10)
local queue, memory, delivered = KEYS[14], KEYS[15], KEYS[16]
if lost(lane, token) then
  return LOST
end

local thread, rid = thread_of(lane), run()

local function write_link()
  if unlink == 'unlink' then
    part(thread, delivered, KEYS[17])
  elseif link ~= '' then
    redis.call('HSET', links, thread, link)
  end
end

local function write_delivered()
  for i = 11, 10 + 2 * messages, 2 do
    redis.call('HSET', delivered, ARGV[i], ARGV[i + 1])
  end
end

local _, handed_by = in_hand(lane)
local flags, order
if handed_by ~= call then
  flags, order = take_out(lane, queue, op)
end
if flags then
  if untouched == 'untouched' then
    redis.call('HSET', epoch, lane .. '|untouched', rid .. '|' .. order)
  end
  write_link()
  local linked = redis.call('HEXISTS', links, thread) == 1
  if linked then
    write_delivered()
  end
  bring_successor(lane, queue, op, rid, flags)
  if has(flags, 'm') then
    if linked then
      redis.call('HSET', made, thread, op)
    end
  elseif not has(flags, 'r') then
    redis.call('SET', memory, '1', 'EX', remember)
  end
  if #KEYS > 17 then
    add_all(18, 11 + 2 * messages)
  end
end
return hand_out(lane, queue, lease, rid, call)
