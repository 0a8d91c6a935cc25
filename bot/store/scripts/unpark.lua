-- Puts a parked operation back or releases a held lane; without a payload, drops the operation. KEYS: queue, memory,
-- delivered. ARGV: lane, operation, seconds to remember a dropped one, 'put' and its payload; or 'drop' or 'forget' (drop
-- it where it waits, too) and, of Slack messages, each timestamp and what is known of it then, so that nobody who reads
-- the thread takes it for one that was missed. Returns 1; or 0 if it is not there, or a worker has it in hand.

local lane, op, remember, what, payload = unpack(ARGV)
local queue, memory, delivered = KEYS[14], KEYS[15], KEYS[16]
local field = lane .. '|' .. op

local function forget(flags)
  if redis.call('HEXISTS', links, thread_of(lane)) == 1 then
    for place = 5, #ARGV, 2 do
      redis.call('HSET', delivered, ARGV[place], ARGV[place + 1])
    end
  end
  if not has(flags, 'r') and not has(flags, 'm') then
    redis.call('SET', memory, '1', 'EX', remember)
  end
end

local function rest()
  if redis.call('ZCARD', queue) > 0 then
    make_ready(lane, now())
  else
    give_back(lane)
  end
end

local function put_back(record)
  redis.call('HDEL', parked, field)
  local order, flags = string.match(record, '^%d+|(%d+)|(%l*)|')
  if what ~= 'put' then
    forget(flags)
  elseif redis.call('HEXISTS', ops, field) == 0 then
    put_in(lane, queue, op, order, record_of(run(), flags, payload), flags)
    make_ready(lane, now())
    hasten(lane)
  end
end

local function release()
  redis.call('HDEL', held, lane)
  if what ~= 'put' then
    redis.call('HDEL', again, field)
    forget(take_out(lane, queue, op) or 'r')
  else
    local _, flags = parts_of(redis.call('HGET', ops, field))
    redis.call('HSET', ops, field, record_of(run(), flags, payload))
  end
  rest()
end

local record = redis.call('HGET', parked, field)
if record then
  put_back(record)
  return 1
end
local waiting = redis.call('HGET', held, lane)
if waiting and string.match(waiting, '^%d+|(.*)$') == op then
  release()
  return 1
end
if what == 'forget' and in_hand(lane) ~= op then
  redis.call('HDEL', again, field)
  local flags = take_out(lane, queue, op)
  if flags then
    forget(flags)
    if redis.call('HEXISTS', holder, lane) == 0 then
      rest()
    end
    return 1
  end
end
return 0
