-- Puts operations into lanes; it stands in front of the scripts that do so. Per operation, KEYS: queue, memory, from whose
-- names its lane and its id are read; ARGV: order|delay in milliseconds|flags (l: only where linked, r: replaceable,
-- s: stands in for one that waits, m: makes a link, b: perhaps begun, a: anew, although it was done, e: only where it
-- goes straight to its ticket, whose link is then written into it), payload.

local rid, moment, since, restarted

-- Notes which run this is. Each time: a write that comes after what is known already, for whoever waits for copies.
local function note_run()
  rid, moment = run(), now()
  since = redis.call('HGET', runs, rid)
  if not since then
    since = math.floor(moment / 1000)
  end
  redis.call('HSET', runs, rid, since)
  restarted = redis.call('HLEN', runs) > 1
end

local APART = 5  -- seconds by which Slack's clock, in timestamps, may be ahead of the server's

-- A thread that is older than this run of the server and that we know nothing of may have been forgotten by it.
local function epoch_of_new(lane)
  local began = string.match(lane, ':(%d+)%.%d+$')
  if restarted and began and tonumber(began) < since + APART then
    return 'unsure'
  end
  return rid
end

-- The run under which an operation is stored; 0 where it may have been done before the server forgot it: it is older than
-- this run, and its thread was not read again yet. (An event needs only to be older: what follows from it is known by
-- nobody who reads the thread. What shows things in Slack is looked for in any old thread.)
local function stored_as(lane, order, seen)
  if (seen or epoch_of_new(lane)) == rid then
    return rid
  end
  local at = tonumber(order)
  local shows = not is_thread(lane) and string.sub(lane, 1, 3) ~= 'in/'
  local older = shows or (at > 0 and at < (since + APART) * 1000000)
  return older and '0' or rid
end

local function replace(lane, op, order, payload, record)
  local field = lane .. '|' .. op
  local stored_in, flags = parts_of(record)
  local doubtful = stored_in ~= rid and not has(flags, 'r')  -- its first text may be at the desk; the edit goes after it
  if not doubtful and not has(flags, 'b') and in_hand(lane) ~= op then
    redis.call('HSET', ops, field, record_of(stored_in, flags, payload))
  else
    redis.call('HSET', again, field, order .. '|' .. payload)
  end
  return 'replaced'
end

local function known(lane, op, memory, wish)
  local done = redis.call('EXISTS', memory) == 1 and not has(wish, 'a')
  if done or (has(wish, 'm') and redis.call('HGET', made, thread_of(lane)) == op) then
    return true
  end
  return not has(wish, 'r') and redis.call('HEXISTS', parked, lane .. '|' .. op) == 1
end

-- What a link says of one thing, where that can be taken over letter by letter; else nil.
local function told_by(link, name)
  local _, at = string.find(link, '"' .. name .. '":"', 1, true)
  return at and string.match(link, '^([^"\\]*)"', at + 1)
end

-- What a person said as it goes straight to the ticket of *link*, with what names that; nil unless everything that people
-- say in the thread goes there, and none of its events waits.
local function straight(thread, link, payload)
  if not link or string.find(link, '"switches":', 1, true) or string.find(link, '"mirror":false', 1, true) then
    return nil
  end
  local desk, ticket, since = told_by(link, 'desk'), told_by(link, 'ticket_id'), told_by(link, 'created_at')
  if not (desk and ticket and since) or redis.call('ZSCORE', ready, 'in/' .. thread) then
    return nil
  end
  local under = ',"under":{"desk":"' .. desk .. '","ticket_id":"' .. ticket .. '","since":"' .. since .. '"}'
  return string.sub(payload, 1, -3) .. under .. '}}'
end

local function add(queue, memory, lane, op, order, payload, delay, wish)
  local link = has(wish, 'l') and redis.call('HGET', links, thread_of(lane))
  if has(wish, 'l') and not link and redis.call('HEXISTS', makers, thread_of(lane)) == 0 then
    return 'not linked'  -- most of what a workspace says
  end
  local record = redis.call('HGET', ops, lane .. '|' .. op)
  if record then
    return (has(wish, 'r') or has(wish, 's')) and replace(lane, op, order, payload, record) or 'duplicate'
  end
  if has(wish, 's') or known(lane, op, memory, wish) then
    return 'duplicate'
  end
  if has(wish, 'e') then
    payload = straight(lane, link, payload)
  end
  if not payload then
    return 'behind'
  end
  local flags = (has(wish, 'm') and 'm' or '') .. (has(wish, 'r') and 'r' or '') .. (has(wish, 'b') and 'b' or '')
  local seen = is_thread(lane) and redis.call('HGET', epoch, lane)
  put_in(lane, queue, op, order, record_of(stored_as(lane, order, seen), flags, payload), flags)
  if is_thread(lane) and not seen then
    redis.call('HSET', epoch, lane, epoch_of_new(lane))
  end
  make_ready(lane, moment + delay)
  return 'added'
end

local shard = #ready - #'ready'  -- what the names of all keys begin with

-- Adds all operations from these places in KEYS and ARGV on. A word for each.
local function add_all(key, arg)
  note_run()
  local answers = {}
  for i = 0, (#ARGV - arg + 1) / 2 - 1 do
    local queue, memory = KEYS[key + 2 * i], KEYS[key + 2 * i + 1]
    local lane = string.sub(queue, shard + #'q:' + 1)
    local op = string.sub(memory, shard + #'dd:' + #lane + #'|' + 1)
    local order, delay, wish = string.match(ARGV[arg + 2 * i], '^(%d+)|(%d+)|(%l*)$')
    answers[i + 1] = add(queue, memory, lane, op, order, ARGV[arg + 2 * i + 1], delay, wish)
  end
  return answers
end
