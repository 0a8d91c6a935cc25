-- What the scripts of the lanes share; it is put in front of each of them. All keys of a call belong to one shard.
-- Every script may run twice with the same arguments: a lost answer makes the client ask again.

local ready, holder, taken, nudged, epoch, runs, ops, again, makers, made, parked, held, links = unpack(KEYS, 1, 13)
local LOST = -1

-- Milliseconds by the server's clock, so that the clocks of the bots do not matter.
local function now()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

local this_run

-- Which run of the server this is: it changes when the server restarts, is restored, or a replica takes over. The id of
-- the process is not enough: a primary that was replaced may take over again later, with the same id and forgotten writes.
local function run()
  if not this_run then
    local process = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
    local history = string.match(redis.call('INFO', 'replication'), 'master_replid:(%x+)')
    this_run = string.sub(process, 1, 8) .. string.sub(history, 1, 8)
  end
  return this_run
end

local function thread_of(lane)
  return string.match(lane, '[^/]*$')
end

local function is_thread(lane)
  return not string.find(lane, '/', 1, true)
end

-- An operation's record: the run in which it was stored (0: the server may have forgotten that it was done; 00: an
-- earlier run had handed it out), flags (b: begun, m: makes a link, r: replaceable), payload.
local function record_of(rid, flags, payload)
  return rid .. '|' .. flags .. '|' .. payload
end

local function parts_of(record)
  return string.match(record, '^(%x+)|(%l*)|(.*)$')
end

local function has(flags, flag)
  return string.find(flags, flag, 1, true) ~= nil
end

local function with(flags, flag)
  return has(flags, flag) and flags or flags .. flag
end

local function without(flags, flag)
  return (string.gsub(flags, flag, ''))
end

-- Takes a thread's link away, and counts that: the marker of its ticket stays at the desk, so the next one gets another.
local function part(thread, delivered, partings)
  redis.call('HDEL', links, thread)
  redis.call('HDEL', made, thread)
  redis.call('DEL', delivered)
  redis.call('HINCRBY', partings, thread, 1)
end

-- What the holder of a lane is known by. A lease ends with the run of the server that gave it: half of what its holder
-- wrote down may be forgotten, and the rest must not follow.
local function lease_of(token)
  return run() .. token
end

-- Whether the caller has lost the lane. Tokens are compared for equality: a restored server may count from an old number.
local function lost(lane, token)
  return redis.call('HGET', holder, lane) ~= lease_of(token)
end

local function lengthen(lane, lease)
  redis.call('ZADD', ready, 'XX', now() + lease, lane)
end

-- Wakes the workers, once in a call however many lanes became due.
local rang = false
local function ring()
  if not rang then
    rang = true
    redis.call('PUBLISH', 'tk:wake', string.match(ready, '{(%d+)}'))
  end
end

local function make_ready(lane, at)
  if redis.call('HEXISTS', held, lane) == 0 and redis.call('ZADD', ready, 'NX', at, lane) == 1 then
    ring()
  end
end

-- Has a lane that rests looked at now; one that is worked on, as soon as its worker would let it rest.
local function hasten(lane)
  if redis.call('HEXISTS', holder, lane) == 1 then
    redis.call('HSET', nudged, lane, '1')
  elseif redis.call('ZSCORE', ready, lane) then
    redis.call('ZADD', ready, 'XX', 'LT', now(), lane)
    ring()
  end
end

local function put_in(lane, queue, op, order, record, flags)
  redis.call('ZADD', queue, order, op)
  redis.call('HSET', ops, lane .. '|' .. op, record)
  if has(flags, 'm') then
    redis.call('HINCRBY', makers, thread_of(lane), 1)
  end
end

-- Takes an operation out of its lane; returns its flags and order, or nil where it is not there (any more).
local function take_out(lane, queue, op)
  local field = lane .. '|' .. op
  local record = redis.call('HGET', ops, field)
  if not record then
    return nil
  end
  local _, flags = parts_of(record)
  local order = redis.call('ZSCORE', queue, op)
  redis.call('ZREM', queue, op)
  redis.call('HDEL', ops, field)
  if has(flags, 'm') and redis.call('HINCRBY', makers, thread_of(lane), -1) <= 0 then
    redis.call('HDEL', makers, thread_of(lane))
  end
  return flags, order
end

-- What came to take an operation's place while that was in hand or begun; order and payload, or nil.
local function take_successor(lane, op)
  local field = lane .. '|' .. op
  local successor = redis.call('HGET', again, field)
  if successor then
    redis.call('HDEL', again, field)
    return string.match(successor, '^(%d+)|(.*)$')
  end
end

-- The newer text that waits to take an operation's place, where nothing of the old one was sent; else nil.
local function take_newer(lane, op, begun, flags)
  if begun ~= 'begun' and not has(flags, 'r') then
    local _, newer = take_successor(lane, op)
    return newer
  end
end

-- A wish that came while the same one was being carried out takes its place; a text that came too late is dropped.
local function bring_successor(lane, queue, op, rid, flags)
  local order, payload = take_successor(lane, op)
  if order and has(flags, 'r') then
    put_in(lane, queue, op, order, record_of(rid, 'r', payload), 'r')
  end
end

local function give_back(lane)
  redis.call('ZREM', ready, lane)
  redis.call('HDEL', holder, lane)
  redis.call('HDEL', taken, lane)
  redis.call('HDEL', nudged, lane)
  if is_thread(lane) and redis.call('HEXISTS', links, lane) == 0 then
    redis.call('HDEL', epoch, lane)
  end
  redis.call('HDEL', epoch, lane .. '|untouched')
end

-- What the holder of a lane has in hand, and the call that handed it out.
local function in_hand(lane)
  local call, op = string.match(redis.call('HGET', taken, lane) or '', '^(%x*)|(.*)$')
  return op, call
end

-- What an earlier run of the server had handed out may be done, although something that came later stands before it.
local function doubt_what_was_in_hand(lane, head, rid)
  local op = in_hand(lane)
  local record = op and op ~= head and redis.call('HGET', ops, lane .. '|' .. op)
  if record then
    local stored_in, flags, payload = parts_of(record)
    if stored_in ~= rid then
      redis.call('HSET', ops, lane .. '|' .. op, record_of('00', flags, payload))
    end
  end
end

-- Whether what has this order stands behind work that was there when the server began its run, and that nobody had begun.
local function behind_untouched(lane, order, rid)
  local run, place = string.match(redis.call('HGET', epoch, lane .. '|untouched') or '', '^(%x+)|(.+)$')
  return run == rid and tonumber(order) >= tonumber(place)
end

-- The head of a lane for the holder of its lease; false, and the lane given back, where nothing waits. A call that
-- finishes one operation and hands out another has a name: when it runs again it must not finish the other one too,
-- which may have the same id. *deaths*: how many holders in a row did not live to give this one back.
local function hand_out(lane, queue, lease, rid, call, deaths)
  local op, order = unpack(redis.call('ZRANGE', queue, 0, 0, 'WITHSCORES'))
  if not op then
    give_back(lane)
    return false
  end
  local record = redis.call('HGET', ops, lane .. '|' .. op)
  if not record then
    return redis.error_reply('BROKEN the record of a waiting operation is missing: was Redis allowed to evict keys?')
  end
  doubt_what_was_in_hand(lane, op, rid)
  local stored_in, flags, payload = parts_of(record)
  local began, found = stored_in == '00', stored_in == '0'  -- in hand in an earlier run; forgotten by it, perhaps
  local waited = not (began or found) and stored_in ~= rid  -- it stood here already when the server began this run
  local unsure = began or ((waited or found) and not behind_untouched(lane, order, rid))
  if unsure and not has(flags, 'b') then  -- it may have been begun, and nothing takes its place until that is known
    redis.call('HSET', ops, lane .. '|' .. op, record_of(stored_in, with(flags, 'b'), payload))
  end
  local resync = is_thread(lane) and redis.call('HGET', epoch, lane) ~= rid
  redis.call('HSET', taken, lane, call .. '|' .. op)
  lengthen(lane, lease)
  return {
    op,
    payload,
    redis.call('ZCARD', queue),
    redis.call('HGET', links, thread_of(lane)),
    unsure and (redis.call('HGET', runs, rid) or math.floor(now() / 1000)) or 0,
    resync and 1 or 0,
    waited and 1 or 0,
    deaths or 0,
  }
end
